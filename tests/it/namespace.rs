//! Networks of a test's own: the program runs in a network namespace that ends with it.

use crate::program::{self, HANGS_AFTER};
use std::path::Path;
use std::process::{Command, Stdio};

/// What the namespaces are made with, and the Debian package of each.
const TOOLS: [(&str, &str); 2] = [("unshare", "util-linux"), ("ip", "iproute2")];

/// The program after `setup`, a list of shell commands, in a new network namespace.
///
/// # Panics
/// Where a tool is missing: a test that cannot run has not passed.
pub fn command(home: &Path, setup: &[String], arguments: &[String]) -> Command {
    for (tool, package) in TOOLS {
        let mut version = Command::new(tool);
        let found = version.arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(found.is_ok(), "this test needs `{tool}`: install the Debian package {package}");
    }
    let mut command = Command::new("unshare");
    // A user who is not root gets the right to a network of their own along with a user namespace.
    command.arg(if is_root() { "-n" } else { "-Urn" });
    let script = format!("set -e\n{}\nexec timeout {HANGS_AFTER} \"$@\"", setup.join("\n"));
    command.args(["sh", "-c", &script, "sh"]).arg(program::binary()).args(arguments);
    program::settle(&mut command, home);
    command
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}
