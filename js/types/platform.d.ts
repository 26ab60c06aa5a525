/**
 * What the runtime offers. The same files run in a page and in Node, with or without a bundler, so nothing of Node is imported.
 *
 * @module
 */
/**
 * @typedef {{
 *   'node:dgram': typeof import('node:dgram'),
 *   'node:dns': typeof import('node:dns'),
 *   'node:fs': typeof import('node:fs'),
 *   'node:http': typeof import('node:http'),
 *   'node:module': typeof import('node:module'),
 *   'node:net': typeof import('node:net'),
 *   'node:os': typeof import('node:os'),
 *   'node:tls': typeof import('node:tls')
 * }} Builtins
 */
/**
 * A module of Node; null elsewhere.
 *
 * @template {keyof Builtins} Name
 * @param {Name} name
 * @returns {Builtins[Name] | null}
 */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | null;
/**
 * A package that is there when it is installed; null otherwise and outside Node.
 *
 * @param {string} name
 * @returns {any}
 */
export function optional(name: string): any;
/**
 * Gathers what is written to a socket of Node until the program has run: many small writes cost one system call.
 *
 * @param {import('node:net').Socket} socket
 */
export function gather(socket: import("node:net").Socket): void;
/**
 * After a socket of Node has ended: calls `ended`, unless it was reset in truth, which then breaks it as an error. Node takes a
 * reset that comes together with the last bytes for an end; writing nothing sends nothing, but tells.
 *
 * @param {import('node:net').Socket} socket
 * @param {() => void} ended
 */
export function verifyEnd(socket: import("node:net").Socket, ended: () => void): void;
export type Builtins = {
    "node:dgram": typeof import("node:dgram");
    "node:dns": typeof import("node:dns");
    "node:fs": typeof import("node:fs");
    "node:http": typeof import("node:http");
    "node:module": typeof import("node:module");
    "node:net": typeof import("node:net");
    "node:os": typeof import("node:os");
    "node:tls": typeof import("node:tls");
};
