//! Networks of a test's own: the program runs in a network namespace that ends with it.

use crate::lab::check_rights;
use crate::program::{self, HANGS_AFTER};
use std::process::{Command, Stdio};
use std::{ffi::OsStr, path::Path};

/// What the namespaces are made with, and the Debian package of each.
const TOOLS: [(&str, &str); 2] = [("unshare", "util-linux"), ("ip", "iproute2")];

/// Names the test that runs in a namespace already.
const WITHIN: &str = "P2P_PROBE_TEST_WITHIN";

/// Longest that a test within a namespace may take unless it hangs, in seconds: two browsers start in it, and ping for 20 s.
const WITHIN_HANGS_AFTER: &str = "240";

/// The program after `setup`, a list of shell commands, in a new network namespace, and one of mounts.
///
/// # Panics
/// Where a tool is missing: a test that cannot run has not passed.
pub fn command_of(program: &OsStr, home: &Path, setup: &[String], arguments: &[String]) -> Command {
    check_tools();
    let mut command = Command::new("unshare");
    // A user who is not root gets the right to a network of their own along with a user namespace.
    command.arg(if is_root() { "-mn" } else { "-Urmn" });
    let script = format!("set -e\n{}\nexec timeout {HANGS_AFTER} \"$@\"", setup.join("\n"));
    command.args(["sh", "-c", &script, "sh"]).arg(program).args(arguments);
    program::settle(&mut command, home);
    command
}

/// Runs the test with this full name once more, by itself, in a new network namespace after `setup`. Gives `true` there,
/// where the test is to do its work, and `false` once that is done. Whatever it started ends with it.
///
/// # Panics
/// Where it failed, and where a tool is missing.
pub fn within(test: &str, setup: &[&str]) -> bool {
    if std::env::var(WITHIN).is_ok_and(|within| within == test) {
        return true;
    }
    check_tools();
    let mut command = Command::new("unshare");
    command.arg(if is_root() { "-np" } else { "-Urnp" }).args(["--fork", "--kill-child", "--mount-proc"]);
    let script = format!("set -e\n{}\nexec timeout {WITHIN_HANGS_AFTER} \"$@\"", setup.join("\n"));
    let itself = std::env::current_exe().expect("a program");
    command.args(["sh", "-c", &script, "sh"]).arg(itself).args(["--exact", test, "--nocapture"]).env(WITHIN, test);
    let output = command.stdin(Stdio::null()).output().expect("unshare runs");
    let [said, wrong] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success() && said.contains("1 passed"), "{said}{wrong}");
    false
}

fn check_tools() {
    for (tool, package) in TOOLS {
        let mut version = Command::new(tool);
        let found = version.arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(found.is_ok(), "this test needs `{tool}`: install the Debian package {package}");
    }
    check_rights();
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}
