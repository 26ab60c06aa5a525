/**
 * # The contract between a program in WebAssembly and the streams of its host
 *
 * The shapes below are the `ffi` interface of the Rust crate libp2p-wasm-ext 0.40.0, so that its unmodified
 * `ExtTransport` drives the objects of this package, and other implementations of that interface run under ours.
 * What this package adds to it is marked **(ours)**: a host need not offer it, and a driver has to do without.
 * A *driver* is the program that calls; the *host* is this package. Addresses are multiaddrs as text.
 *
 * The host never calls the driver. It only settles promises, so a driver is never entered twice. (What a program in WebAssembly
 * hands to its page or to Node besides, it documents itself: wasm-probe/src/lib.rs.)
 *
 * ## Transport
 *
 * `dial(address, role_override, signal, name)` starts a dial and returns a promise of a Connection.
 * - An address that the host cannot dial is **thrown**, at once: an Error with the name `NotSupportedError`.
 *   Everything that happens later rejects the promise. So a driver catches both.
 * - `role_override` is true where the dial is one half of a hole punch. Nothing here can reuse a port: it dials as ever.
 * - `signal` **(ours)** is an AbortSignal and spans the dial and the connection after it, as with `fetch`: aborting rejects
 *   the dial, or destroys the connection wherever it stands. A driver that drops a dial has to abort, or the connection that
 *   comes about later stays open with nobody to close it. The interface as published cannot say it.
 * - `name` **(ours)** is the name that the IP address was looked up by, for a WebSocket's Host header and TLS. A host that cannot
 *   tell the platform both dials the name.
 * - There is no time limit of the host's own. The platform has one (minutes); the driver brings the one it wants.
 *
 * `listen_on(address)` starts to listen and returns an iterator of promises of ListenEvents. It throws as `dial` does.
 *
 * ## Connection
 *
 * ```text
 *              ┌────────── reading: open ──(the peer ends)──► null, then done
 *   open ──────┤                     └────(it breaks)───────► what had arrived, then a rejection, then done
 *              └────────── writing: open ──shutdown()──► ended
 *                                    └────(it breaks)──► every write() rejects
 *   close() from any state: nothing more is read; what write() has accepted still goes out; no further call.
 * ```
 *
 * `read` is one iterator, the same at every access. Each step gives a promise of the next bytes:
 * - an `ArrayBuffer`, never empty and not kept by the host;
 * - `null` once: the peer has ended its side, in order, and everything before has been handed out;
 * - a rejection once: the connection broke. What the host had taken from the system before is handed out first, unless it
 *   had to be dropped (`overrun`, `interrupted`).
 * - After `null` or a rejection the iterator is done.
 * - The next step is taken only when the promise of the last one has settled; taking it earlier throws.
 * - Node tells a WebSocket's and a TCP connection's reset as such also when it comes together with the last bytes, except where
 *   written bytes still wait: then reading ends, and the write rejects.
 * - Bytes are not messages: their boundaries mean nothing, over WebSocket as well.
 *
 * `write(bytes)` gives bytes to the host and returns a promise.
 * - `bytes` is a view of the driver's memory and is valid during the call alone: the host copies it before it returns.
 * - The promise resolves when there is room again. It does not say that the bytes were sent, nor that they arrived.
 * - write() is called again only once that promise has settled. That is all the back-pressure there is: a driver that waits
 *   for it holds at most one write, WRITE_AHEAD bytes and WRITES_AHEAD writes in the host.
 * - A rejection ends writing for good. Reading may go on: what the peer sent before it broke can still be read.
 *
 * `shutdown()` ends the own side: what was accepted is sent, then the end. No write() after it; one that comes rejects.
 * It returns at once; a driver that has to know the bytes are on their way awaits the last write's promise before.
 * - TCP: half-close (FIN). Reading goes on until the peer ends too.
 * - WebSocket knows no half-close: a Close frame goes out, and platforms throw away what the peer sends from then on. Reading
 *   ends with `null` when the peer has answered. libp2p ends its muxer first, so nothing is lost that counts.
 *
 * `close()` gives the connection up, always as the last call, with or without a shutdown() before. It returns at once.
 * What write() has accepted still goes out for at most LINGER_MS, on at most MOST_LINGERING WebSockets at once, and what still
 * arrives is thrown away. Promises not yet settled reject as `closed`.
 *
 * `local_addr` and `remote_addr` **(ours)**: both ends as multiaddrs, null where the platform does not tell.
 *
 * ### Back-pressure of reading
 * - TCP: while nobody reads, the host stops reading at READ_AHEAD bytes, the peer's window closes and the peer waits.
 * - WebSocket: the same over the package `ws`, where each message counts its bytes and MESSAGE_COST. The platforms' own offer no
 *   way to stop reading: what arrives unread is kept up to UNREAD_LIMIT; above it the host drops all of it, closes, and reading
 *   rejects as `overrun`. It is not met by a driver with a muxer, which reads whenever it is run and limits the peer by its windows.
 *
 * ## ListenEvent
 *
 * The iterator gives a promise of each next event, in the order things happened. An event has any of
 * - `new_addrs`: addresses listened on from now on. Port 0 is replaced by the port got, and a wildcard address by those of all
 *   interfaces of its family, loopback included and link-local IPv6 left out, since it cannot be dialed without its interface.
 *   The first event has these. Interfaces are looked at again every INTERFACES_MS.
 * - `expired_addrs`: addresses no longer listened on.
 * - `new_connections`: ConnectionEvents, each with the `connection`, its `local_addr` and the peer's address `observed_addr`.
 *   From here on the driver has to close() the connection.
 * - `failed_connections` **(ours)**: those that came and did not become a WebSocket, each with the `error` that says why, and both
 *   addresses. The host has answered them, and there is nothing to close. An error that means what a dialer asked for instead has
 *   the status that it was answered with.
 * - `next_event`: the promise of the event after this one, or null when there is none: the same events for a driver that
 *   walks them without the iterator. Use one of the two.
 *
 * A rejection means that listening is over and why: the port is taken, the address is not of this machine. Afterwards the
 * iterator is done.
 * Asking again before the promise has settled gives the same promise.
 *
 * `return()` of the iterator, JavaScript's own way to stop one, ends listening: connections nobody took are closed, one
 * last event expires the addresses, then it is done. The crate's `ExtTransport` does not call it and so listens for ever.
 * At most BACKLOG connections wait to be taken; more are closed at once. So are more than as many that have not asked for a
 * WebSocket yet, or more than HANDSHAKES_PER_SOURCE of them from one place, and one that has not done so after HANDSHAKE_MS is a
 * failed connection (`timed-out`).
 *
 * ## Errors
 *
 * A driver of other hosts expects that any call and any member of theirs throws, and that a promise brings what it should not:
 * an exception that passes through WebAssembly runs no destructor there.
 *
 * What is thrown or rejected is a {@link TransportError} (errors.js): an Error with a `code` from a closed table. No
 * rejection that a driver does not look at becomes an unhandled one.
 *
 * @module
 */
/** Room for written bytes, in bytes: above it a write's promise waits. Enough to keep a fast line busy between two looks. */
export const WRITE_AHEAD: number;
/** Room for writes, however small: each costs some hundred bytes of its own. Now and then a full stop costs nothing. */
export const WRITES_AHEAD: 1024;
/** Bytes that wait for a reader before reading pauses, where it can; a chunk or message that arrives is never split. */
export const READ_AHEAD: number;
/** What may wait unread on a WebSocket, in bytes; also the longest message where the platform can be told. */
export const UNREAD_LIMIT: number;
/** What a message costs beyond its bytes, so that a flood of tiny ones is bounded too. */
export const MESSAGE_COST: 256;
/** Connections that wait to be taken from a listener: what systems take as their own queue. */
export const BACKLOG: 128;
/** Clients of one IPv4 address or IPv6 /64 that have not asked for a WebSocket yet: as many as p2p-probe serves of them. */
export const HANDSHAKES_PER_SOURCE: 32;
/** How long a client of a listener may take to ask for a WebSocket, in milliseconds: as long as p2p-probe gives it for the next step. */
export const HANDSHAKE_MS: 10000;
/** How long bytes accepted by write() may still go out after close(), in milliseconds. */
export const LINGER_MS: 5000;
/** WebSockets that go on after close() at once: those who come in a flood, and answer no Close frame, are more. */
export const MOST_LINGERING: 128;
/** How often a listener on a wildcard address looks at the interfaces, in milliseconds. Node has no notice of changes. */
export const INTERFACES_MS: 5000;
export type Transport = {
    dial: (address: string, role_override?: boolean, signal?: AbortSignal, name?: string) => Promise<Connection>;
    listen_on: (address: string) => Iterator<Promise<ListenEvent>, undefined>;
};
export type Connection = {
    read: Iterator<Promise<ArrayBuffer | null>, undefined>;
    write: (bytes: Uint8Array) => Promise<void>;
    shutdown: () => void;
    close: () => void;
    local_addr?: string | null | undefined;
    remote_addr?: string | null | undefined;
};
export type ListenEvent = {
    new_addrs?: string[] | undefined;
    expired_addrs?: string[] | undefined;
    new_connections?: ConnectionEvent[] | undefined;
    failed_connections?: FailedConnection[] | undefined;
    next_event: Promise<ListenEvent> | null;
};
export type ConnectionEvent = {
    connection: Connection;
    observed_addr: string;
    local_addr: string;
};
export type FailedConnection = {
    error: Error;
    observed_addr: string;
    local_addr: string;
};
