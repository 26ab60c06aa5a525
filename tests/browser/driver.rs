//! A `WebDriver` server as a child process.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A driver that does not say its port by then never will.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// The folder of a session in which the browser leaves what it was told to keep.
pub(super) const DOWNLOADS: &str = "downloads";

/// Nothing that a browser does by itself: no updates, no reports, no guesses of what the user may want next.
const QUIET_CHROMIUM: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
];

/// A browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Chromium,
    Firefox,
}

impl Kind {
    fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::Chromium => ("chromedriver", "the Debian package chromium-driver"),
            Self::Firefox => ("geckodriver", "it by `cargo install geckodriver --locked`"),
        }
    }

    /// What comes before the port in the line that tells it.
    fn announces(self) -> &'static str {
        match self {
            Self::Chromium => "successfully on port ",
            Self::Firefox => "Listening on 127.0.0.1:",
        }
    }

    /// What a session is asked for: the browser, with a profile and a folder for downloads of its own, further command line
    /// flags, and further options of Firefox, or capabilities of Chromium.
    pub(super) fn capabilities(self, folder: &Path, flags: &[&str], more: &Value) -> serde_json::Map<String, Value> {
        let downloads = folder.join(DOWNLOADS);
        let mut capabilities = match self {
            Self::Chromium => {
                let profile = format!("--user-data-dir={}", folder.join("profile").display());
                let arguments: Vec<&str> =
                    QUIET_CHROMIUM.iter().chain(flags).copied().chain(std::iter::once(profile.as_str())).collect();
                json!({
                    "browserName": "chrome",
                    "acceptInsecureCerts": true,
                    "goog:chromeOptions": {"args": arguments, "prefs": {
                        "download.default_directory": downloads,
                        "profile.default_content_setting_values.automatic_downloads": 1,
                    }},
                    "goog:loggingPrefs": {"browser": "ALL"},
                })
            }
            Self::Firefox => {
                let arguments: Vec<&str> = std::iter::once("-headless").chain(flags.iter().copied()).collect();
                json!({
                    "browserName": "firefox",
                    "acceptInsecureCerts": true,
                    "moz:firefoxOptions": {"args": arguments, "prefs": {
                        "browser.download.dir": downloads,
                        "browser.download.folderList": 2,
                        "browser.helperApps.neverAsk.saveToDisk": "application/json",
                        "devtools.console.stdout.content": true,
                        "network.captive-portal-service.enabled": false,
                        "network.connectivity-service.enabled": false,
                    }},
                })
            }
        };
        let place = match self {
            Self::Chromium => &mut capabilities,
            Self::Firefox => &mut capabilities["moz:firefoxOptions"],
        };
        for (name, value) in more.as_object().into_iter().flatten() {
            match (place[name].as_object_mut(), value.as_object()) {
                (Some(known), Some(more)) => known.extend(more.clone()),
                _ => place[name] = value.clone(),
            }
        }
        capabilities.as_object().cloned().expect("an object")
    }
}

/// A running driver; ended with its browsers when it is dropped.
#[derive(Debug)]
pub(super) struct Driver {
    child: Child,
    port: u16,
    log: Arc<Mutex<String>>,
}

impl Driver {
    /// Starts it on a port of its own choice; what it leaves behind is in `home`.
    ///
    /// # Panics
    /// Where it is missing: a test that cannot run has not passed.
    pub(super) fn start(kind: Kind, home: &Path) -> Self {
        let (program, package) = kind.program();
        let mut command = Command::new(program);
        command
            .arg("--port=0")
            .env("HOME", home)
            .env("TMPDIR", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {program}: {error}: install {package}"));
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, port) = mpsc::channel();
        read(child.stdout.take().expect("stdout is piped"), kind, &log, sender.clone());
        read(child.stderr.take().expect("stderr is piped"), kind, &log, sender);
        let port = port.recv_timeout(STARTS_WITHIN);
        let port = port.unwrap_or_else(|_| panic!("{program} does not start: {}", log.lock().expect("no panic")));
        Self { child, port, log }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it and its browsers have said.
    pub(super) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on to the end, so that the driver never waits for its reader.
fn read(pipe: impl Read + Send + 'static, kind: Kind, log: &Arc<Mutex<String>>, port: Sender<u16>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let digits = line.split_once(kind.announces()).map(|(_, rest)| rest.trim_end_matches('.'));
            if let Some(number) = digits.and_then(|digits| digits.parse().ok()) {
                let _ = port.send(number);
            }
            let mut log = log.lock().expect("no panic");
            log.push_str(&line);
            log.push('\n');
        }
    });
}
