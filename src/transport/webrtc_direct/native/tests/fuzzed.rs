//! A bounded run of the fuzz targets: their corpus, and what a seeded generator makes of it.

use std::fs;
use std::path::Path;

use super::super::fuzz::TARGETS;
use super::line::seeds;

/// The longest input made.
const LONGEST: u64 = 400;

struct Generator(u64);

impl Generator {
    fn below(&mut self, limit: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit.max(1)).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn input(&mut self) -> Vec<u8> {
        (0..self.below(LONGEST)).map(|_| self.byte()).collect()
    }

    /// One with some bytes changed, inserted or taken out.
    fn varied(&mut self, input: &[u8]) -> Vec<u8> {
        let mut varied = input.to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(varied.len() as u64);
            match self.below(3) {
                _ if varied.is_empty() => varied.push(self.byte()),
                0 => varied[at] = self.byte(),
                1 => varied.insert(at, self.byte()),
                _ => drop(varied.remove(at)),
            }
        }
        varied
    }
}

/// The inputs kept for a target, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn bounded(target: &str) {
    let (_, body, inputs) = TARGETS.into_iter().find(|(name, ..)| *name == target).unwrap();
    let corpus = corpus(target);
    assert!(!corpus.is_empty());
    for input in &corpus {
        body(input);
    }
    for seed in seeds(11..12) {
        let mut generator = Generator(seed);
        for number in 0..inputs {
            let which = generator.below(corpus.len() as u64);
            let input = if number % 3 == 0 { generator.input() } else { generator.varied(&corpus[which]) };
            body(&input);
        }
    }
}

#[test]
fn stun() {
    bounded("stun");
}

#[test]
fn dcep() {
    bounded("dcep");
}

#[test]
fn framing() {
    bounded("framing");
}

#[test]
fn listener() {
    bounded("listener");
}

#[test]
fn connection() {
    bounded("connection");
}
