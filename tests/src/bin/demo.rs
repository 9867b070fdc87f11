//! `cargo demo`: two hosts and a third party, as real processes, cluster real data that none of them has whole: first
//! in mode `sealed`, then in mode `open`, then with another metric.
//!
//! Every number of the joint result stands beside the one that plaintext k-means gives on the pooled rows. Ends with
//! a code other than 0 if any differs, and leaves neither processes nor files behind.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use cloister_tests::documents::{csv, deal, numbers, real, xrff};
use cloister_tests::expected::{Expected, defaults_of, euclidean, manhattan};
use cloister_tests::fleet::{Fleet, FleetConfig, THIRD_PARTY};
use cloister_tests::programs::programs;
use control::Privacy;
use control::facts::{JobState, RunResult, StatusInfo};
use kmeans::Metric;
use kmeans::fixed::sealed::Form;
use kmeans::fixed::{GROWTH_ROUNDS, RawRows, growth};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Any number will do; the same one gives the same result.
const SEED: u64 = 1913;
const K: usize = 3;
/// What real data need, and the daemon's default.
const KEY_BITS: u32 = 3072;
/// See `tests/data/README.md`.
const BEST_KNOWN: f64 = 1277.928489;

fn main() -> ExitCode {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Without this a signal still ends the demo, only not tidily.
        let _ = signal_hook::flag::register(signal, Arc::clone(&interrupted));
    }
    panic::set_hook(Box::new(|why| eprintln!("demo: {why}")));
    let demo = Demo { interrupted: Arc::clone(&interrupted), colours: stdout().is_terminal() };
    // Unwinding stops the daemons and removes their files.
    match panic::catch_unwind(AssertUnwindSafe(|| demo.run())) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(_) if interrupted.load(Ordering::Relaxed) => ExitCode::from(130),
        Err(_) => ExitCode::FAILURE,
    }
}

struct Demo {
    interrupted: Arc<AtomicBool>,
    colours: bool,
}

/// Numbers compared, and how many of them differed.
#[derive(Default)]
struct Tally {
    compared: usize,
    differing: usize,
}

impl Tally {
    fn compare<T: PartialEq>(&mut self, joint: &T, pooled: &T) -> bool {
        let same = joint == pooled;
        self.compared += 1;
        self.differing += usize::from(!same);
        same
    }
}

impl Demo {
    /// Gives the number of differences.
    fn run(&self) -> usize {
        let began = Instant::now();
        println!("{}", self.strong("Cloister: joint k-means over data that stay where they are"));
        println!("building what is not built yet ...");
        programs();
        let wine = real("wine");
        let parts = deal(&wine, 2);
        let rows: Vec<RawRows> = parts.iter().map(|part| numbers(part, None)).collect();

        let started = Instant::now();
        let mut fleet = Fleet::start(&FleetConfig {
            datasets: &["wine"],
            change: &|settings| settings.key_bits = KEY_BITS,
            ..FleetConfig::default()
        });
        fleet.hosts()[0].upload("wine", "wine.xrff", &xrff(&parts[0]));
        fleet.hosts()[1].upload("wine", "wine.csv", &csv(&parts[1]));
        self.introduce(&fleet, &rows);
        println!(
            "three daemons with new keys and sealed data after {:.1} s",
            started.elapsed().as_secs_f64()
        );

        let mut tally = Tally::default();
        let euclid = (&euclidean() as &dyn Metric, Form::SquaredEuclid);
        let [sealed, open] = [Privacy::Sealed, Privacy::Open].map(|privacy| {
            self.step();
            let run = self.cluster(&fleet, &rows, privacy, euclid, &mut tally);
            println!(
                "   best known inertia on these rows {BEST_KNOWN:.2} (scikit-learn, 50 starts): {:+.3} %",
                100.0 * (run.inertia.unwrap_or(f64::NAN) / BEST_KNOWN - 1.0)
            );
            run
        });
        self.who_saw_what(&fleet, &sealed, &open);

        self.step();
        println!();
        println!("{}", self.strong("Another metric: one line of the settings, and a reload"));
        println!("   [plugins] metric = \"euclidean\"  ->  \"manhattan\"; cloisterctl reload");
        fleet.parties[0].settings.metric = "manhattan".into();
        fleet.parties[0].apply();
        self.cluster(&fleet, &rows, Privacy::Sealed, (&manhattan(), Form::Manhattan), &mut tally);

        self.step();
        let folder = fleet.folder().to_owned();
        drop(fleet);
        assert!(!folder.exists(), "{} is left", folder.display());
        println!();
        let verdict = format!(
            "{} numbers compared, {} differ; three daemons stopped, their files removed; {:.1} s",
            tally.compared,
            tally.differing,
            began.elapsed().as_secs_f64()
        );
        println!("{} {}", self.mark(tally.differing == 0), self.strong(&verdict));
        tally.differing
    }

    /// Ends here if somebody wants it to.
    fn step(&self) {
        assert!(!self.interrupted.load(Ordering::Relaxed), "interrupted");
    }

    fn introduce(&self, fleet: &Fleet, rows: &[RawRows]) {
        println!();
        println!("{}", self.strong("Parties"));
        let formats = ["XRFF", "CSV"];
        for (index, host) in fleet.hosts().iter().enumerate() {
            println!(
                "   {:<9} host         {} wines of {} measurements, from {}",
                host.name(),
                rows[index].rows(),
                rows[index].dim(),
                formats[index]
            );
        }
        let [status]: [StatusInfo; 1] =
            fleet.third_party().ctl(&["status", "--json"]).items().try_into().expect("one daemon");
        println!("   {THIRD_PARTY:<9} third party  no rows; Paillier key of {} bits", status.paillier_bits);
    }

    fn cluster(
        &self,
        fleet: &Fleet,
        rows: &[RawRows],
        privacy: Privacy,
        (metric, form): (&dyn Metric, Form),
        tally: &mut Tally,
    ) -> RunResult {
        let parameters = defaults_of(privacy, K, SEED);
        let expected = match privacy {
            Privacy::Sealed => Expected::sealed(rows, form, &parameters, metric),
            Privacy::Open => Expected::of(rows, &parameters, metric),
        };
        let seed = SEED.to_string();
        println!();
        println!("{}", self.strong(&format!("Joint run, mode {privacy}, {}", metric.name())));
        println!(
            "   cloisterctl cluster wine -k {K} --seed {seed} --privacy {privacy}      (at {})",
            fleet.lead().name()
        );
        let (k, mode) = (K.to_string(), privacy.to_string());
        let lead = fleet.lead().cluster(&["wine", "-k", &k, "--seed", &seed, "--privacy", &mode]);
        tally.compare(&lead.privacy, &privacy);
        tally.compare(&lead.metric.as_str(), &metric.name());
        self.centres(&lead, &expected, tally);
        self.summary(&lead, &expected, tally);
        for (index, host) in fleet.hosts().iter().enumerate() {
            host.job_ended(&lead.id);
            let result = host.result(&lead.id);
            let labels = host.labels(&lead.id);
            let equal = labels
                .iter()
                .zip(&expected.labels[index])
                .filter(|(joint, pooled)| tally.compare(joint, pooled))
                .count();
            let own = tally.compare(&result.own.sizes, &expected.own_sizes(index));
            let same = tally.compare(&result.centres, &lead.centres);
            println!(
                "   {:<9} own rows by cluster {:?} {}   {equal} of {} labels equal {}   same centres {}",
                host.name(),
                result.own.sizes,
                self.mark(own),
                expected.labels[index].len(),
                self.mark(equal == expected.labels[index].len() && equal == labels.len()),
                self.mark(same),
            );
        }
        phases(&lead);
        lead
    }

    /// Joint and pooled centres beside each other, in the attributes' own units.
    fn centres(&self, result: &RunResult, expected: &Expected, tally: &mut Tally) {
        let pooled = expected.centres();
        println!();
        let heads: String =
            (0..pooled.len()).map(|cluster| format!("  {:^23}", format!("centre {cluster}"))).collect();
        println!("   {:<20}{heads}", "");
        let columns = format!("  {:>10} {:>10}  ", "joint", "pooled").repeat(pooled.len());
        println!("   {:<20}{columns}", "attribute");
        for (attribute, name) in result.attributes.iter().enumerate() {
            let mut line: String = name.chars().take(20).collect();
            line = format!("   {line:<20}");
            for (cluster, pooled) in pooled.iter().enumerate() {
                let joint = result.centres[cluster].as_ref().map(|centre| centre[attribute]);
                let same = tally.compare(&joint, &Some(pooled[attribute]));
                let joint = joint.map_or("withheld".into(), |joint| format!("{joint:.4}"));
                line +=
                    &format!("  {joint:>10} {:>10} {}", format!("{:.4}", pooled[attribute]), self.mark(same));
            }
            println!("{line}");
        }
    }

    fn summary(&self, result: &RunResult, expected: &Expected, tally: &mut Tally) {
        let outcome = &expected.outcome;
        let pooled: Vec<Option<u64>> = outcome.sizes.iter().map(|&size| Some(size)).collect();
        let joint = result.sizes.clone().unwrap_or_default();
        let sizes = |sizes: &[Option<u64>]| {
            sizes
                .iter()
                .map(|size| size.map_or("-".into(), |size| size.to_string()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        println!();
        let line = |what: &str, joint: String, pooled: String, same: bool| {
            println!("   {what:<20}  {joint:>18} {pooled:>18} {}", self.mark(same));
        };
        println!("   {:<20}  {:>18} {:>18}", "", "joint", "pooled");
        line("sizes", sizes(&joint), sizes(&pooled), tally.compare(&joint, &pooled));
        let inertia = (result.inertia, expected.inertia());
        line(
            "inertia",
            inertia.0.map_or("withheld".into(), |joint| format!("{joint:.9}")),
            format!("{:.9}", inertia.1),
            tally.compare(&inertia.0, &Some(inertia.1)),
        );
        let rounds = (result.rounds, outcome.rounds);
        line("rounds", rounds.0.to_string(), rounds.1.to_string(), tally.compare(&rounds.0, &rounds.1));
        let rest = (result.converged, outcome.converged);
        line("at rest", rest.0.to_string(), rest.1.to_string(), tally.compare(&rest.0, &rest.1));
        let (mean, deviation): (Vec<f64>, Vec<f64>) =
            outcome.scale.iter().map(|scale| scale.as_f64()).unzip();
        let same = |joint: &[f64], pooled: &[f64], tally: &mut Tally| {
            (0..pooled.len()).filter(|&at| tally.compare(&joint.get(at), &pooled.get(at))).count()
        };
        for (what, joint, pooled) in [
            ("means shown", &result.scale.mean, &mean),
            ("deviations shown", &result.scale.deviation, &deviation),
        ] {
            let equal = same(joint, pooled, tally);
            line(what, joint.len().to_string(), format!("{equal} equal"), equal == pooled.len());
        }
    }

    /// The two modes beside each other.
    fn who_saw_what(&self, fleet: &Fleet, sealed: &RunResult, open: &RunResult) {
        let dim = open.attributes.len();
        let (starts, mut clusters_before) = (defaults_of(Privacy::Open, K, SEED).starts, 0);
        let grown: usize = growth(K)
            .into_iter()
            .map(|clusters| {
                let rounds = if clusters_before == 0 { 1 } else { GROWTH_ROUNDS as usize };
                clusters_before = clusters;
                starts * clusters * rounds
            })
            .sum();
        let in_rounds = K * open.rounds as usize;
        let third = fleet.third_party();
        let kept: Vec<serde_json::Value> = third.ctl(&["datasets", "--json"]).items();
        let finished = third.jobs().iter().filter(|job| job.state == JobState::Finished).count();
        println!();
        println!("{}", self.strong("What each party saw"));
        println!("   {:<44} {:>14} {:>14}", "", "sealed", "open");
        let line =
            |what: &str, sealed: String, open: String| println!("   {what:<44} {sealed:>14} {open:>14}");
        for host in fleet.hosts() {
            println!("   {}", host.name());
            let own = |run| run_rows(host, run).to_string();
            line("  rows in the clear: its own", own(sealed), own(open));
            line("  rows, labels, own centres of the other", "none".into(), "none".into());
            line("  joint centres before the end", "none".into(), (grown + in_rounds).to_string());
            line("    numbers in them", "none".into(), ((grown + in_rounds) * dim).to_string());
            line(
                "  bits that say whether a round was the last",
                sealed.rounds.to_string(),
                "see above".into(),
            );
            line("  declared: mean and deviation of attributes", dim.to_string(), dim.to_string());
            line("  declared: final centres", K.to_string(), K.to_string());
        }
        println!("   {THIRD_PARTY}");
        line("  rows, centres, totals, assignments", "none".into(), "none".into());
        line("  rounds it counted", sealed.rounds.to_string(), open.rounds.to_string());
        println!(
            "   It decrypts noise and deals masks; after {finished} runs it keeps {} datasets and {} results.",
            kept.len(),
            third.results().len()
        );
        println!("   The wire: TLS 1.3 between identities that know each other.");
        println!(
            "   Of values recorded in coarse units, joint centres also tell joint counts and sums: in open those of"
        );
        println!("   every round, in sealed the final ones. daemon/docs/protocol.md says exactly what.");
    }

    fn mark(&self, good: bool) -> &'static str {
        match (good, self.colours) {
            (true, true) => "\x1b[32m✓\x1b[0m",
            (true, false) => "✓",
            (false, true) => "\x1b[31m✗\x1b[0m",
            (false, false) => "✗",
        }
    }

    fn strong(&self, text: &str) -> String {
        if self.colours { format!("\x1b[1m{text}\x1b[0m") } else { text.into() }
    }
}

fn run_rows(host: &cloister_tests::party::Party, run: &RunResult) -> u64 {
    host.result(&run.id).own.rows
}

/// What the run cost at the lead.
fn phases(result: &RunResult) {
    let order = ["setup", "normalise", "start", "round", "reveal"];
    let in_order = |map: BTreeMap<String, String>| {
        let mut known: Vec<_> = map.into_iter().collect();
        known.sort_by_key(|(phase, _)| order.iter().position(|known| known == phase));
        known
    };
    let cost = result.seconds.iter().map(|(phase, seconds)| {
        let kilobytes = result.bytes.get(phase).copied().unwrap_or(0) as f64 / 1e3;
        (phase.clone(), format!("{seconds:.2} s {kilobytes:.0} kB"))
    });
    let cost: Vec<String> =
        in_order(cost.collect()).into_iter().map(|(phase, cost)| format!("{phase} {cost}")).collect();
    println!("   cost at the lead: {}; {} messages", cost.join(", "), result.messages);
}
