//! The program under test as a child process, with a home of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// No run of the tests takes this long unless it hangs; `timeout` then ends it, with its own exit code.
const HANGS_AFTER: &str = "90";
const HUNG: i32 = 124;

pub const BINARY: &str = env!("CARGO_BIN_EXE_p2p-probe");

/// What a finished run left.
pub struct Run {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

/// `p2p-probe` in an environment that knows nothing of the user's: `home` holds its files, `ca.pem` in it, where it
/// exists, is the one certificate authority.
pub fn command<A: AsRef<OsStr>>(home: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", HANGS_AFTER, BINARY]).args(arguments);
    settle(&mut command, home);
    command
}

/// The same after `setup`, a list of shell commands, in a network namespace of its own.
pub fn command_in_namespace(home: &Path, setup: &[String], arguments: &[String]) -> Command {
    let mut command = Command::new("unshare");
    // A user who is not root gets the right to a network of their own along with a user namespace.
    command.arg(if is_root() { "-n" } else { "-Urn" });
    let script = format!("set -e\n{}\nexec timeout {HANGS_AFTER} \"$@\"", setup.join("\n"));
    command.args(["sh", "-c", &script, "sh", BINARY]).args(arguments);
    settle(&mut command, home);
    command
}

fn settle(command: &mut Command, home: &Path) {
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        command.env(variable, home);
    }
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "RUST_LOG", "COLUMNS"] {
        command.env_remove(variable);
    }
    command.env("SSL_CERT_FILE", home.join("ca.pem")).env_remove("SSL_CERT_DIR");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// Runs it to its end.
pub fn run(mut command: Command) -> Run {
    let output = command.output().unwrap_or_else(|error| {
        let program = command.get_program().display();
        panic!("cannot run {program}: {error} (Debian packages: coreutils, util-linux)")
    });
    Run::from(output)
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let exit = output.status.code().unwrap_or(-1);
        assert_ne!(exit, HUNG, "hung; so far: {}", String::from_utf8_lossy(&output.stderr));
        Self {
            exit,
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}
