//! Work on several things at once, with results in the order of the things.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does `work` on each item and its place, `workers` at once. `done` is called with each result in the order of the
/// items, as soon as it and all before it are there; the results come in that order too.
pub fn in_order<T: Sync, R: Send>(
    items: &[T],
    workers: NonZeroUsize,
    work: impl Fn(usize, &T) -> R + Sync,
    done: &mut (dyn FnMut(&R) + Send),
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let told = Mutex::new((Vec::new(), items.iter().map(|_| None).collect::<Vec<Option<R>>>(), done));
    std::thread::scope(|scope| {
        for _ in 0..workers.get().min(items.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(at) else { break };
                    let result = work(at, item);
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    let (over, waiting, done) = &mut *told;
                    if let Some(place) = waiting.get_mut(at) {
                        *place = Some(result);
                    }
                    while let Some(result) = waiting.get_mut(over.len()).and_then(Option::take) {
                        done(&result);
                        over.push(result);
                    }
                }
            });
        }
    });
    told.into_inner().unwrap_or_else(PoisonError::into_inner).0
}
