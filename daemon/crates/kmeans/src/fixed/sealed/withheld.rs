//! Which clusters a `sealed` run withholds at its end.

/// The clusters, of `k`, that are withheld: of which some host has rows, but fewer than its minimum, and of which nobody
/// has any.
///
/// Two assignments are judged alike, each as the labels of every host's rows: the one of the last round, since its rows'
/// mean is what would be shown as the centre, and the one to the final centres, which the hosts' labels are of. A cluster
/// without rows in the last round has a centre of before, be it one of a single host.
///
/// `min_rows` has every host's minimum; 0 and 1 withhold no cluster that has rows.
pub fn withheld(last_round: &[Vec<u32>], labels: &[Vec<u32>], k: usize, min_rows: &[u64]) -> Vec<bool> {
    let judged: Vec<Vec<bool>> = [last_round, labels]
        .into_iter()
        .map(|assignment| {
            let counts: Vec<Vec<u64>> = assignment.iter().map(|labels| counted(labels, k)).collect();
            let few = |cluster: usize| {
                counts.iter().zip(min_rows).any(|(counts, &least)| (1..least).contains(&counts[cluster]))
            };
            let empty = |cluster: usize| counts.iter().all(|counts| counts[cluster] == 0);
            (0..k).map(|cluster| few(cluster) || empty(cluster)).collect()
        })
        .collect();
    (0..k).map(|cluster| judged.iter().any(|withheld| withheld[cluster])).collect()
}

/// The rows of each cluster.
fn counted(labels: &[u32], k: usize) -> Vec<u64> {
    let mut counts = vec![0; k];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::withheld;

    #[test]
    fn a_cluster_needs_a_hosts_minimum_or_none_of_it_in_both_assignments() {
        let both = [vec![0, 0, 1], vec![0, 2, 2, 2]];
        assert_eq!(withheld(&both, &both, 3, &[1, 1]), [false; 3]);
        assert_eq!(withheld(&both, &both, 3, &[0, 0]), [false; 3]);
        assert_eq!(withheld(&both, &both, 3, &[2, 1]), [false, true, false]);
        assert_eq!(withheld(&both, &both, 3, &[1, 2]), [true, false, false]);
        assert_eq!(withheld(&both, &both, 3, &[3, 4]), [true; 3]);
        let other = [vec![0, 0, 0], vec![0, 0, 2, 2]];
        // Nobody has the second cluster in one of them, whatever the minimum.
        assert_eq!(withheld(&other, &both, 3, &[1, 1]), [false, true, false]);
        assert_eq!(withheld(&both, &other, 3, &[1, 1]), [false, true, false]);
        assert_eq!(withheld(&both, &other, 3, &[1, 3]), [true, true, true]);
        assert_eq!(withheld(&other, &both, 3, &[1, u64::MAX]), [true; 3]);
    }
}
