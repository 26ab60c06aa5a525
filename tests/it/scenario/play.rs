//! Plays a scenario: its peers, its names, the program.

use super::values::{Values, fill};
use super::{SOMEBODY_ELSE, Scenario, World};
use crate::certificate::Authority;
use crate::peer::Running;
use crate::program::{self, Run};
use crate::{dns, namespace, rules};
use serde_json::Value;
use std::{ffi::OsString, path::Path};

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

impl Scenario {
    /// A folder with its files and the certificate of the authority.
    fn home(&self, world: &World) -> tempfile::TempDir {
        let home = tempfile::tempdir_in(world.authority.folder()).expect("a folder");
        std::fs::copy(world.authority.folder().join("ca.pem"), home.path().join("ca.pem")).expect("a copy");
        for (name, text) in &self.files {
            std::fs::write(home.path().join(name), text).expect("a file");
        }
        home
    }

    pub fn try_out(&self, world: &World) -> Vec<String> {
        let (runtime, home) = (runtime(), self.home(world));
        let home = home.path();
        runtime.block_on(async {
            let mut values = Values::from([("other".into(), SOMEBODY_ELSE.into()), ("home".into(), home.display().to_string())]);
            let _running = self.start(&world.authority, &mut values).await;
            let mut faults = Vec::new();
            let run = self.run("json", home, &values).await;
            self.judge(&run, &values, &world.reports, &mut faults);
            if self.folds {
                let events = self.run("ndjson", home, &values).await;
                let lines = events.stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
                faults.extend(lines.flat_map(|line: Value| world.events.faults(&line)));
                faults.extend(rules::fold(&events.stdout));
            }
            if !self.text.is_empty() {
                let said = self.run("text", home, &values).await;
                faults.extend(rules::streams(&said));
                let missing = self.text.iter().map(|part| fill(part, &values)).filter(|part| !said.stdout.contains(part));
                faults.extend(missing.map(|part| format!("the text lacks {part:?}: {}", said.stdout)));
            }
            for (name, text) in &self.files {
                if std::fs::read_to_string(home.join(name)).ok().as_ref() != Some(text) {
                    faults.push(format!("the file {name} was changed"));
                }
            }
            faults
        })
    }

    /// Starts the peers and the name server, and notes where they are.
    async fn start(&self, authority: &Authority, values: &mut Values) -> Vec<Running> {
        let mut running = Vec::new();
        let one = self.peer.iter().map(|peer| (String::new(), peer));
        let several = self.peers.iter().map(|(name, peer)| (format!("{name}."), peer));
        for (prefix, peer) in one.chain(several) {
            let started = peer.start(authority).await;
            values.insert(format!("{prefix}port"), started.port.to_string());
            values.extend(started.id.clone().map(|id| (format!("{prefix}peer"), id)));
            values.extend(started.certhash.clone().map(|certhash| (format!("{prefix}certhash"), certhash)));
            values.extend(started.target.clone().map(|target| (format!("{prefix}target"), target)));
            running.push(started);
        }
        if !self.zone.is_empty() {
            let zone = self
                .zone
                .iter()
                .map(|(name, records)| (fill(name, values), records.iter().map(|record| fill(record, values)).collect()));
            values.insert("dns".into(), dns::start(zone.collect()).await.to_string());
        }
        running
    }

    /// Plays it with the program and by other means, against the same peers.
    pub async fn play_both(&self, world: &World, other: impl AsyncFnOnce(&Path, &Values) -> Run) -> (Run, Run) {
        let home = self.home(world);
        let home = home.path();
        let mut values = Values::from([("other".into(), SOMEBODY_ELSE.into()), ("home".into(), home.display().to_string())]);
        let _running = self.start(&world.authority, &mut values).await;
        let native = self.run_with(&program::binary(), "json", home, &values).await;
        (native, other(home, &values).await)
    }

    async fn run(&self, format: &str, home: &Path, values: &Values) -> Run {
        self.run_with(&program::binary(), format, home, values).await
    }

    pub async fn run_with(&self, program: &OsString, format: &str, home: &Path, values: &Values) -> Run {
        let mut arguments = vec!["dial".to_owned()];
        arguments.extend(self.args.iter().map(|argument| fill(argument, values)));
        arguments.extend(["--format".into(), format.into()]);
        if let Some(port) = values.get("dns") {
            arguments.extend(["--resolver".into(), format!("127.0.0.1:{port}")]);
        }
        let command = if self.namespace.is_empty() {
            program::command_of(program, home, &arguments)
        } else {
            namespace::command_of(program, home, &self.namespace, &arguments)
        };
        tokio::task::spawn_blocking(|| program::run(command)).await.expect("a run")
    }
}
