//! Spreads independent work over the processors.

use std::num::NonZero;
use std::thread;

/// `f` of every item, in order, computed on as many threads as the machine runs at once.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    if threads <= 1 {
        return items.iter().map(f).collect();
    }
    let f = &f;
    thread::scope(|scope| {
        // This thread takes the first share itself.
        let mut shares = items.chunks(items.len().div_ceil(threads));
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> =
            shares.map(|share| scope.spawn(move || share.iter().map(f).collect::<Vec<R>>())).collect();
        let mut out: Vec<R> = own.iter().map(f).collect();
        for other in others {
            match other.join() {
                Ok(results) => out.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn keeps_the_order_at_every_length() {
        for len in 0..40 {
            let items: Vec<usize> = (0..len).collect();
            assert_eq!(super::map(&items, |i| i * i), items.iter().map(|i| i * i).collect::<Vec<_>>());
        }
    }
}
