//! What an operator is told of a run: how far it is, what came of it.

use control::facts::{Own, Parties, Progress, RunResult, Scale};
use control::{Normalize, Privacy};
use kmeans::fixed::{COST_FRACTION_BITS, Normalise};
use protocol::{Outcome, Place, Step};

use super::costs::Costs;
use super::descriptor::{Descriptor, Invitation};
use super::policy::HostPart;
use crate::jobs::RunningJob;

/// How far a run is.
pub(crate) fn progress(place: Place, max_rounds: u32) -> Progress {
    let message = match place.step {
        Step::Setup => "exchanging keys".into(),
        Step::Normalise => "finding joint mean and deviation".into(),
        Step::Start if place.round == 0 => "finding the first centres".into(),
        Step::Start => format!("finding the first centres, step {}", place.round),
        Step::Round => format!("round {}", place.round + 1),
        Step::Reveal => "revealing the result".into(),
    };
    let round = if place.step == Step::Round { place.round + 1 } else { 0 };
    Progress { step: place.step.name().into(), round, max_rounds, message, fraction: None }
}

/// The normalisation by the name that operators know it by.
pub(crate) fn normalize(normalise: &Normalise) -> Normalize {
    match normalise {
        Normalise::ZScore => Normalize::ZScore,
        Normalise::Mean => Normalize::Mean,
        Normalise::Range(_) => Normalize::Range,
        Normalise::None => Normalize::None,
    }
}

/// The parties by name.
pub(crate) fn parties(invitation: &Invitation) -> Parties {
    Parties {
        hosts: invitation.hosts.iter().map(|member| member.name.clone()).collect(),
        third_party: invitation.third_party.name.clone(),
    }
}

/// The privacy mode by the name that operators know it by.
pub(crate) fn privacy(invitation: &Invitation) -> Privacy {
    if invitation.is_sealed() { Privacy::Sealed } else { Privacy::Open }
}

/// A host's result, and a label for each of its rows (none for rows that were left out).
pub(crate) fn result(
    job: &RunningJob,
    descriptor: &Descriptor,
    part: &HostPart,
    outcome: Outcome,
    costs: &Costs,
) -> (RunResult, Vec<Option<u32>>) {
    let invitation = &descriptor.invitation;
    let shown = |cluster: usize| outcome.centres[cluster].is_some();
    let original =
        |centre: &[i64]| centre.iter().zip(&outcome.scale).map(|(&x, scale)| scale.original(x)).collect();
    let (mean, deviation) = outcome.scale.iter().map(|scale| scale.as_f64()).unzip();

    let mut sizes = vec![0; invitation.k];
    let mut labels = vec![None; part.rows.rows()];
    for (&row, &label) in outcome.kept.iter().zip(&outcome.labels) {
        sizes[label as usize] += 1;
        labels[row] = Some(label);
    }
    let result = RunResult {
        id: job.id().to_owned(),
        dataset: invitation.dataset.clone(),
        parties: parties(invitation),
        started_unix: job.started_unix(),
        k: invitation.k as u32,
        metric: invitation.metric.0.clone(),
        privacy: privacy(invitation),
        normalize: normalize(&invitation.normalise),
        seed: Some(invitation.seed),
        rounds: outcome.rounds,
        converged: outcome.converged,
        attributes: invitation.attributes.clone(),
        centres: outcome.centres.iter().map(|centre| centre.as_deref().map(original)).collect(),
        scale: Scale { mean, deviation },
        sizes: outcome.sizes.as_ref().map(|joint| {
            joint.iter().enumerate().map(|(cluster, &size)| shown(cluster).then_some(size)).collect()
        }),
        inertia: outcome.inertia.map(|inertia| inertia as f64 / f64::from(1 << COST_FRACTION_BITS)),
        own: Own { rows: outcome.kept.len() as u64, sizes },
        seconds: costs.seconds.clone(),
        bytes: costs.bytes(),
        messages: costs.messages(),
        links: costs.links(invitation),
        peak_memory_bytes: peak_memory(),
    };
    (result, labels)
}

/// The largest resident size of this process, as Linux counts it.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().map_or(0, |kibibytes| kibibytes * 1024)
}
