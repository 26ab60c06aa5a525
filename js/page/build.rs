//! The packing of the page, as a part of the root crate's build script: every file by itself, compressed by brotli and by
//! gzip, in `OUT_DIR/page`, and a table of them in `OUT_DIR/page.rs`.

use flate2::{Compression, write::GzEncoder};
use std::{
    env,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hasher as _},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// As small as brotli gets: what is compressed once is loaded many times.
const QUALITY: i32 = 11;
/// The largest window of brotli (RFC 7932, section 9.1), as a power of two.
const WINDOW: i32 = 24;
/// What of js/ is not for a page.
const LEFT_OUT: [&str; 1] = ["cli.js"];

/// Packs the page; `wasm` is the folder of the program. The error is a sentence.
pub(crate) fn pack(wasm: &Path) -> Result<(), String> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    write(&root.join("js"), wasm, &out).map_err(|error| format!("the page cannot be packed: {error}"))
}

fn write(js: &Path, wasm: &Path, out: &Path) -> io::Result<()> {
    let packed = out.join("page");
    fs::create_dir_all(&packed)?;
    println!("cargo::rerun-if-changed={}", js.join("page").display());
    let mut table = String::from(
        "#[allow(clippy::unreadable_literal, reason = \"nobody reads it\")]\npub(super) const ASSETS: &[super::Asset] = &[\n",
    );
    for (name, file) in files(js, wasm)? {
        // What was just made would look as if it had changed since.
        if file.starts_with(js) {
            println!("cargo::rerun-if-changed={}", file.display());
        }
        let bytes = fs::read(&file)?;
        let script = file.extension().is_some_and(|extension| extension == "js");
        let bytes = if script { without_comments(&bytes) } else { bytes };
        let mut hash = DefaultHasher::new();
        hash.write(&bytes);
        let tag = format!("{:016x}", hash.finish());
        // A file of the same bytes was packed before.
        let [br, gz] = ["br", "gz"].map(|end| packed.join(format!("{tag}.{end}")));
        if !br.exists() {
            fs::write(&br, brotli(&bytes)?)?;
        }
        if !gz.exists() {
            fs::write(&gz, gzip(&bytes)?)?;
        }
        let (size, br, gz) = (bytes.len(), br.display().to_string(), gz.display().to_string());
        let packed = format!("brotli: include_bytes!({br:?}), gzip: include_bytes!({gz:?})");
        // Writing to a string cannot fail.
        let _ = writeln!(table, "    super::Asset {{ path: {name:?}, {packed}, size: {size}, tag: {tag:?} }},");
    }
    table.push_str("];\n");
    fs::write(out.join("page.rs"), table)
}

/// What a browser asks for, and where it lies.
fn files(js: &Path, wasm: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files =
        vec![("wasm/probe.js".to_owned(), wasm.join("probe.js")), ("wasm/probe_bg.wasm".to_owned(), wasm.join("probe_bg.wasm"))];
    for (folder, prefix, extensions) in
        [(js.to_owned(), "", &["js"][..]), (js.join("page"), "page/", &["html", "css", "js", "svg"][..])]
    {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let wanted = path
                .extension()
                .and_then(|extension| extension.to_str())
                .is_some_and(|extension| extensions.contains(&extension));
            if wanted && !LEFT_OUT.contains(&name) {
                let name = if name == "index.html" { name.to_owned() } else { format!("{prefix}{name}") };
                files.push((name, path));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A script without the lines that are comments and nothing else: who loads a page has no use for them, and they are a third of
/// it. A comment beside code stays.
fn without_comments(script: &[u8]) -> Vec<u8> {
    let (mut kept, mut inside) = (Vec::new(), false);
    for line in script.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        let end = text.windows(2).position(|two| two == b"*/").map(|at| at + 2);
        let within = inside || text.starts_with(b"/*");
        inside = within && end.is_none();
        let comment = within && end.is_none_or(|end| end == text.len());
        if !comment && !text.starts_with(b"//") && !text.is_empty() {
            kept.extend_from_slice(line);
        }
    }
    kept
}

/// For what asks without TLS: there browsers take no brotli.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: QUALITY,
        lgwin: WINDOW,
        size_hint: bytes.len(),
        ..brotli::enc::BrotliEncoderParams::default()
    };
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &parameters)?;
    Ok(compressed)
}
