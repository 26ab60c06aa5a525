/**
 * Reads the file once, when it is first asked.
 *
 * @param {string} [file] another one than the system's
 * @returns {(name: string, family: 4 | 6) => Promise<string[]>} the addresses of a name, in the order of the file; none where
 *   there is no file that can be read
 */
export function hosts(file?: string): (name: string, family: 4 | 6) => Promise<string[]>;
/** The most that is read of the file, in bytes: lists that block advertising by it have some megabytes. */
export const HOSTS_LIMIT: number;
