//! A small web server for what the tests load.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

/// Files of some folders, served over HTTP for as long as the test runs.
#[derive(Debug)]
pub struct Pages {
    /// Scheme, host and port.
    pub origin: String,
}

impl Pages {
    /// Serves each folder under the path before it, the first that fits, on loopback: to browsers a secure place.
    pub fn serve(folders: Vec<(&'static str, PathBuf)>) -> Self {
        Self::serve_on(Ipv4Addr::LOCALHOST, folders)
    }

    /// The same on this address of the host.
    pub fn serve_on(host: Ipv4Addr, folders: Vec<(&'static str, PathBuf)>) -> Self {
        for (_, folder) in &folders {
            assert!(folder.is_dir(), "{} is missing: run tests/interop/prepare", folder.display());
        }
        let listener = TcpListener::bind((host, 0)).expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let folders = folders.clone();
                // Whoever hangs up early gets nothing.
                thread::spawn(move || answer(stream, &folders));
            }
        });
        Self { origin }
    }
}

fn answer(stream: TcpStream, folders: &[(&str, PathBuf)]) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The rest of the request changes nothing, but a socket closed with unread bytes would be reset.
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let file = folders.iter().find_map(|(prefix, folder)| Some(folder.join(path.strip_prefix(prefix)?)));
    let found = file.filter(|_| !path.contains("..")).and_then(|file| Some((std::fs::read(&file).ok()?, kind(&file))));
    let (status, (body, kind)) = found.map_or(("404 Not Found", (Vec::new(), "text/plain")), |found| ("200 OK", found));
    let mut stream = stream;
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html",
        Some("js" | "mjs") => "text/javascript",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        _ => "application/octet-stream",
    }
}
