//! The page: served by `listen`, and written as plain files.

use crate::program::{self, Live};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

/// What the whole page may cost over the line, in bytes. A debug build's WebAssembly is not made for size, and says nothing of it:
/// beside one, `tests/build/run` makes the page of a release.
const BUDGET: usize = 600_000;

fn listen(home: &Path, more: &[&str]) -> Live {
    let mut command = Command::new(program::binary());
    program::settle(&mut command, home);
    command.args(["listen", "--ephemeral", "--listen", "/ip4/127.0.0.1/tcp/0", "--format", "ndjson"]).args(more);
    Live::start(command)
}

fn get(host: &str, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(host).expect("the page's port");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside").display().to_string();
                found.insert(name, std::fs::read(path).expect("a file"));
            }
        }
    }
    found
}

fn ends(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == extension)
}

#[test]
fn listen_says_where_its_page_is_and_serves_it() {
    let home = tempfile::tempdir().expect("a folder");
    let mut live = listen(home.path(), &[]);
    assert_eq!(live.next_json()["event"], "listening");
    let page = live.next_json();
    assert_eq!(page["event"], "page", "{page}");
    let url = page["url"].as_str().expect("a URL");
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    assert!(host.starts_with("127.0.0.1:"), "{url}: loopback by default");
    let (head, body) = get(host, "/wasm/probe_bg.wasm");
    assert!(head.contains("content-type: application/wasm") && head.contains("content-encoding: br"), "{head}");
    assert!(body.len() > 100_000);
    let (_, own) = get(host, "/listener");
    assert!(String::from_utf8_lossy(&own).contains("/ip4/127.0.0.1/tcp/"));
    live.signal("TERM");
    assert_eq!(live.finish().exit, 0);
}

#[test]
fn without_a_page_no_port_is_opened() {
    let home = tempfile::tempdir().expect("a folder");
    let mut live = listen(home.path(), &["--no-page"]);
    assert_eq!(live.next_json()["event"], "listening");
    live.signal("TERM");
    let run = live.finish();
    assert!(run.exit == 0 && !run.stdout.contains("\"page\""), "{}", run.stdout);
    for bad in
        [["--page-addr", "nonsense"].as_slice(), &["--page-addr", "203.0.113.7:1"], &["--no-page", "--page-addr", "127.0.0.1:0"]]
    {
        let run = listen(home.path(), bad).finish();
        assert_eq!(run.exit, 2, "{bad:?}");
    }
}

#[test]
fn plain_files_hold_all_that_the_page_needs() {
    let home = tempfile::tempdir().expect("a folder");
    let out = home.path().join("site");
    let run = program::run(program::command(home.path(), ["page", "--out", out.to_str().expect("UTF-8")]));
    assert_eq!(run.exit, 0, "{}", run.stderr);
    let files = files(&out);
    let text = |name: &str| String::from_utf8_lossy(&files[name]).into_owned();
    let packed: usize = files.iter().filter(|(name, _)| ends(name, "br")).map(|(_, bytes)| bytes.len()).sum();
    assert!(cfg!(debug_assertions) || packed <= BUDGET, "{packed} bytes over the line: {}", run.stdout);
    assert!(run.stdout.contains(&format!("{packed}  all")), "{}", run.stdout);
    // What refers to a file refers to one that is there; nothing refers to another site.
    let html = text("index.html");
    let named = ["href=\"", "src=\""].into_iter().flat_map(|attribute| html.split(attribute).skip(1));
    for file in named.filter_map(|rest| rest.split('"').next()) {
        assert!(files.contains_key(file), "index.html asks for {file}");
    }
    for (name, bytes) in files.iter().filter(|(name, _)| ends(name, "js")) {
        let folder = Path::new(name).parent().expect("a folder");
        let source = String::from_utf8_lossy(bytes);
        for import in source.lines().filter_map(|line| line.split_once(" from '")).filter_map(|(_, rest)| rest.split('\'').next())
        {
            let wanted = if let Some(up) = import.strip_prefix("../") {
                up.to_owned()
            } else {
                folder.join(import.trim_start_matches("./")).display().to_string()
            };
            assert!(files.contains_key(&wanted), "{name} asks for {import}");
        }
    }
    assert!(html.contains("Content-Security-Policy") && !html.contains("unsafe-inline"), "{html}");
    for inline in ["style=", "onclick", "onload", "<style", "javascript:"] {
        assert!(!html.contains(inline), "{inline}");
    }
    for name in ["index.html", "page/page.css", "page/report.css", "page/page.js"] {
        assert!(!text(name).contains("http://") && !text(name).contains("https://"), "{name} names another site");
    }
}
