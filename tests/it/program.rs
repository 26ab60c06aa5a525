//! The program under test as a child process, with a home of its own.

use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// No run of the tests takes this long unless it hangs; `timeout` then ends it, with its own exit code.
pub const HANGS_AFTER: &str = "90";
const HUNG: i32 = 124;

/// The program under test: the one built along with the tests, or another that the environment names.
pub fn binary() -> OsString {
    std::env::var_os("P2P_PROBE_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_p2p-probe").into())
}

/// What a finished run left.
pub struct Run {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

/// `p2p-probe` in an environment that knows nothing of the user's: `home` holds its files, `ca.pem` in it, where it
/// exists, is the one certificate authority.
pub fn command<A: AsRef<OsStr>>(home: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    command_of(&binary(), home, arguments)
}

/// The same of another program.
pub fn command_of<A: AsRef<OsStr>>(program: &OsStr, home: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", HANGS_AFTER]).arg(program).args(arguments);
    settle(&mut command, home);
    command
}

/// No environment of the user's, no input, output to be read.
pub fn settle(command: &mut Command, home: &Path) {
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        command.env(variable, home);
    }
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "RUST_LOG", "COLUMNS"] {
        command.env_remove(variable);
    }
    command.env("SSL_CERT_FILE", home.join("ca.pem")).env_remove("SSL_CERT_DIR");
    // What Node calls it.
    command.env("NODE_EXTRA_CA_CERTS", home.join("ca.pem"));
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

/// A running program whose lines are read as they come; ended with the test.
pub struct Live {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _guard: Sender<()>,
}

impl Live {
    /// Starts the command as it is, its standard input kept open.
    pub fn start(mut command: Command) -> Self {
        let program = command.get_program().display().to_string();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        Self { lines, _guard: guard(child.id()), child }
    }

    /// The next line; none where it has ended.
    pub fn next_line(&mut self) -> Option<String> {
        self.lines.next()?.ok()
    }

    /// The next line as JSON.
    pub fn next_json(&mut self) -> Value {
        let Some(line) = self.next_line() else {
            let mut words = String::new();
            let _ = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut words));
            panic!("the program ended early: {words}");
        };
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}"))
    }

    /// Reads on to the first line that `wanted` accepts.
    pub fn until(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let line = self.next_json();
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().is_ok_and(|status| status.success()));
    }

    /// Reads what is left and waits for the end.
    pub fn finish(mut self) -> Run {
        drop(self.child.stdin.take());
        let rest: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        let mut stderr = String::new();
        let _ = self.child.stderr.take().map(|mut pipe| pipe.read_to_string(&mut stderr));
        let exit = self.child.wait().expect("a child").code().unwrap_or(-1);
        Run { exit, stdout: rest.join("\n"), stderr }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends a program that hangs, so that who reads its lines fails instead of waiting for ever. Dropped with what it guards.
fn guard(pid: u32) -> Sender<()> {
    let (alive, watch) = mpsc::channel();
    let bound = Duration::from_secs(HANGS_AFTER.parse().expect("a number of seconds"));
    thread::spawn(move || {
        if watch.recv_timeout(bound) == Err(RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
        }
    });
    alive
}
