//! The build of the WebAssembly, as a part of the root crate's build script.
//!
//! cargo runs in here once more, for another target and in a target folder of its own: the outer one holds the lock of its
//! folder. Both read the same lock file, so that nothing is resolved anew, and nothing is downloaded that is there already.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
/// What is made, beside the types for TypeScript.
const MADE: [&str; 2] = ["probe.js", "probe_bg.wasm"];
/// What the WebAssembly is made of.
const SOURCES: [&str; 6] = ["build.rs", "wasm-probe", "src", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

/// Builds it, packs the page around it, and tells cargo when to do so again. The error is a sentence.
pub(crate) fn build() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?).join("wasm");
    program()?;
    crate::pack::pack(&out)
}

fn program() -> Result<(), String> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?).join("wasm");
    let ready = root.join("js/wasm");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    make(&out).map_err(|error| unwritable(&out, &error))?;
    if root.join("wasm-probe/Cargo.toml").exists() {
        bind(&compile(&root, &out)?, &out)?;
    } else {
        // A package of a registry holds what was built before.
        copy(&ready, &out)
            .map_err(|_| "this package holds no WebAssembly: build it with --no-default-features --features native".to_owned())?;
        return Ok(());
    }
    // A source folder may be read-only: then js/ does without.
    if make(&ready).and_then(|()| copy(&out, &ready)).and_then(|()| types(&out, &root)).is_ok() {
        for file in MADE {
            println!("cargo::rerun-if-changed=js/wasm/{file}");
        }
    }
    Ok(())
}

/// Compiles the crate, and gives back a copy of the WebAssembly that no other build writes to.
fn compile(root: &Path, out: &Path) -> Result<PathBuf, String> {
    target_is_installed()?;
    let folder = target_folder(out)?;
    make(&folder).map_err(|error| unwritable(&folder, &error))?;
    // Builds of several checkouts may share a target folder, and the file has one name.
    let lock = File::create(folder.join(".p2p-probe.lock")).map_err(|error| unwritable(&folder, &error))?;
    lock.lock().map_err(|error| unwritable(&folder, &error))?;
    let profile = profile()?;
    let mut build = cargo(root, &["build", "--package", "wasm-probe", "--profile", profile]);
    build.arg("--target-dir").arg(&folder);
    if has_everything(root) {
        build.arg("--offline");
    }
    let status = build.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("the crate wasm-probe cannot be built for {TARGET}, see above"));
    }
    let file = folder.join(TARGET).join(profile).join("wasm_probe.wasm");
    let taken = out.with_extension("unbound");
    fs::copy(&file, &taken).map_err(|error| unwritable(&taken, &error))?;
    Ok(taken)
}

/// The profile of the workspace: for size, or in a debug build for the time that a change takes.
fn profile() -> Result<&'static str, String> {
    Ok(if variable("PROFILE")? == "debug" { "wasm-debug" } else { "wasm" })
}

/// Whether no crate is missing, so that the network need not be asked.
fn has_everything(root: &Path) -> bool {
    let mut fetch = cargo(root, &["fetch", "--offline", "--quiet"]);
    fetch.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// cargo for the WebAssembly, without what the outer one has set for this machine.
fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(arguments).args(["--locked", "--target", TARGET]);
    // What this build says belongs on stderr: cargo reads the script's stdout.
    cargo.stdin(Stdio::null()).stdout(io::stderr());
    for (name, _) in env::vars_os().filter(|(name, _)| is_for_this_machine(name)) {
        cargo.env_remove(name);
    }
    cargo
}

fn is_for_this_machine(name: &OsString) -> bool {
    const NAMES: [&str; 12] = [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "CARGO_BUILD_TARGET",
        "TARGET",
        "HOST",
        "OPT_LEVEL",
        "DEBUG",
        "PROFILE",
    ];
    let name = name.to_string_lossy();
    NAMES.contains(&&*name) || name.starts_with("CARGO_FEATURE_") || name.starts_with("CARGO_CFG_")
}

/// Asks the compiler before cargo fails with pages of errors.
fn target_is_installed() -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder = asked.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    if folder.is_ok_and(|folder| folder.is_dir()) {
        return Ok(());
    }
    Err(format!(
        "The page needs the target {TARGET}: install it with `rustup target add {TARGET}`, or build without the page with \
         `--no-default-features --features native`."
    ))
}

/// Beside the folders of the outer build: `target/wasm`.
fn target_folder(out: &Path) -> Result<PathBuf, String> {
    let profile = out.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "build")).and_then(Path::parent);
    let target = profile.and_then(Path::parent).ok_or_else(|| format!("{} is no folder of cargo", out.display()))?;
    Ok(target.join("wasm"))
}

/// Makes the JavaScript around it.
fn bind(wasm: &Path, out: &Path) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name("probe").typescript(true);
    bindgen.remove_name_section(true).remove_producers_section(true).omit_default_module_path(false);
    let generated = bindgen.web(true).and_then(|bindgen| bindgen.generate(out));
    generated.map_err(|error| format!("the JavaScript of the WebAssembly cannot be made: {error:#}"))
}

/// Copies all files that differ. They are as old as the oldest of files, or cargo would take them for changed after this.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (bytes, copy) = (fs::read(entry.path())?, to.join(entry.file_name()));
        if fs::read(&copy).is_ok_and(|there| there == bytes) {
            continue;
        }
        fs::write(&copy, bytes)?;
        File::options().write(true).open(&copy)?.set_modified(SystemTime::UNIX_EPOCH)?;
    }
    Ok(())
}

/// The types, where those of js/ look for them.
fn types(from: &Path, root: &Path) -> io::Result<()> {
    let folder = root.join("js/types/wasm");
    make(&folder)?;
    fs::copy(from.join("probe.d.ts"), folder.join("probe.d.ts")).map(|_| ())
}

fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be written: {error}", path.display())
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo has not set {name}"))
}
