/**
 * @param {object} [options]
 * @param {string} [options.server] the DNS server to ask, `ip:port`, instead of what the system knows and asks
 * @param {string} [options.hosts] another file than the system's `hosts`
 * @returns {Names | null} null in a page
 */
export function names({ server, hosts: file }?: {
    server?: string | undefined;
    hosts?: string | undefined;
}): Names | null;
/**
 * Looks up the records of one type: addresses for `A` and `AAAA`, texts for `TXT`. No record of the type is an empty list;
 * a failure is a {@link TransportError} (`name-not-found`, `name-lookup-failed`, `timed-out`).
 */
export type Names = {
    lookup: (name: string, type: "A" | "AAAA" | "TXT") => Promise<string[]>;
    /**
     * ends the look-ups that nobody waits for any more
     */
    cancel: () => void;
    /**
     * the resolver that was named
     */
    server?: string | undefined;
};
