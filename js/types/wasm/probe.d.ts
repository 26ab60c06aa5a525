/* tslint:disable */
/* eslint-disable */

/**
 * A report, see the report format.
 */
export class Report {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Folds an event, a line of NDJSON.
     */
    apply(event: string): void;
    /**
     * What a program ends with after this report. With `strict` any failed attempt counts.
     */
    exitCode(strict: boolean, interrupted: boolean): number;
    /**
     * Reads a saved report, of whatever runtime.
     */
    static fromJson(text: string): Report;
    /**
     * The report as indented JSON, as `--format json` writes it.
     */
    json(): string;
    /**
     * The last line of `--format ndjson`: the report as an event.
     */
    line(): string;
    /**
     * An empty one, for events to be folded into.
     */
    constructor();
    /**
     * The report for people, in so many columns.
     */
    text(width?: number | null, color?: boolean | null): string;
}

/**
 * Probes a peer, named by a multiaddr.
 *
 * `options.transport` is a transport of `js/contract.js`; the others have the names and meanings of the command line:
 * `timeout` and `deadline` (`10s`; in milliseconds `timeoutMs`, `deadlineMs`), `pings`, `concurrency`, `transports`, `family`, `security`, `webrtc`, `learnCerthash`,
 * `announced`, `private`, `redact`. `options.signal` is an `AbortSignal`: aborting it ends the run, with the report of what
 * was seen until then. `onEvent` is called with each event as it happens, a line of NDJSON.
 *
 * The promise rejects with a `UsageError` for what cannot be meant, with what `onEvent` throws, and with a `DefectError` when
 * this program panics.
 */
export function probe(target: string, options: any, on_event?: Function | null): Promise<any>;

/**
 * The version of p2p-probe.
 */
export function version(): string;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_report_free: (a: number, b: number) => void;
    readonly probe: (a: number, b: number, c: number, d: number) => number;
    readonly report_apply: (a: number, b: number, c: number, d: number) => void;
    readonly report_exitCode: (a: number, b: number, c: number) => number;
    readonly report_fromJson: (a: number, b: number, c: number) => void;
    readonly report_json: (a: number, b: number) => void;
    readonly report_line: (a: number, b: number) => void;
    readonly report_new: (a: number) => void;
    readonly report_text: (a: number, b: number, c: number, d: number) => void;
    readonly version: (a: number) => void;
    readonly __wasm_bindgen_func_elem_5029: (a: number, b: number) => void;
    readonly __wasm_bindgen_func_elem_600: (a: number, b: number) => void;
    readonly __wasm_bindgen_func_elem_2110: (a: number, b: number, c: number, d: number) => void;
    readonly __wasm_bindgen_func_elem_5030: (a: number, b: number, c: number) => void;
    readonly __wasm_bindgen_func_elem_601: (a: number, b: number) => void;
    readonly __wbindgen_export: (a: number, b: number) => number;
    readonly __wbindgen_export2: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_export3: (a: number) => void;
    readonly __wbindgen_add_to_stack_pointer: (a: number) => number;
    readonly __wbindgen_export4: (a: number, b: number, c: number) => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path?: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
