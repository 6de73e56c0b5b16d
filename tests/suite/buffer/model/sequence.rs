//! A random sequence of steps with one buffer, or with several that share a budget.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use highwater_core::Budget;

use super::bench::{Bench, Common};
use super::parts::Random;
use super::reference::Share;

pub(super) struct Sequence {
    common: Rc<Common>,
    random: Random,
    benches: Vec<Bench>,
}

impl Sequence {
    pub(super) fn new(seed: u64, traced: bool) -> Self {
        let mut random = Random(seed);
        let budget = match random.below(2) {
            0 => None,
            _ => Some(Budget::new(random.one_of(&[0, 1, 2, 3, 4, 16, 20_000]))),
        };
        let buffers = if budget.is_some() { 1 + random.below(3) } else { 1 };
        let common = Rc::new(Common {
            seed,
            traced,
            polite: seed.is_multiple_of(2),
            trace: RefCell::new(vec![format!("{budget:?}")]),
            budget,
            clock: Arc::default(),
        });
        let bench = |index| Bench::new(&common, index, Random(seed ^ ((index as u64 + 1) << 56)));
        let benches = (0..buffers).map(bench).collect();
        Self { common, random, benches }
    }

    pub(super) fn run(mut self, fired: &mut BTreeMap<&'static str, u64>) {
        let steps = match self.random.below(10) {
            0..5 => self.random.below(32),
            5..9 => self.random.below(256),
            _ => self.random.below(1024),
        };
        for _ in 0..steps {
            let at = self.random.below(self.benches.len());
            self.play(at, Bench::step);
        }
        for at in 0..self.benches.len() {
            self.forget(at);
        }
        for bench in &mut self.benches {
            bench.tear_down();
        }
        self.common.same("left of the budget", self.used(), 0);
        for (name, times) in self.benches.into_iter().flat_map(|bench| bench.fired) {
            *fired.get_mut(name).unwrap_or_else(|| panic!("{name:?} is not in the list")) += times;
        }
    }

    fn used(&self) -> usize {
        self.common.budget.as_ref().map_or(0, Budget::used)
    }

    /// Takes a step with one of the buffers, and checks all of them.
    fn play<T>(&mut self, at: usize, step: impl FnOnce(&mut Bench) -> T) -> T {
        self.common.clock.fetch_add(1, SeqCst);
        self.share_out();
        for bench in &mut self.benches {
            bench.model.begin();
        }
        let done = step(&mut self.benches[at]);
        self.share_out();
        self.benches[at].check_seen();
        self.share_out();
        // Room in the budget is room for the others as well.
        for bench in &self.benches {
            bench.check_turns();
            bench.check_wakes();
        }
        self.check_budget();
        done
    }

    /// Tells each reference how much of the budget the others use.
    fn share_out(&mut self) {
        let Some(budget) = &self.common.budget else { return };
        let uses: Vec<_> = self.benches.iter().map(|bench| bench.model.uses()).collect();
        for (at, bench) in self.benches.iter_mut().enumerate() {
            let others = uses.iter().enumerate().filter(|(other, _)| *other != at);
            let [least, most] =
                others.fold([0, 0], |sum, (_, [least, most])| [sum[0] + least, sum[1] + most]);
            bench.model.share = Some(Share { limit: budget.limit(), least, most });
        }
    }

    /// D4: what is used is what is buffered and what is kept, and within the limit and a chunk for each buffer.
    fn check_budget(&self) {
        let Some(budget) = &self.common.budget else { return };
        let uses = self.benches.iter().map(|bench| bench.model.uses());
        let [least, most] = uses.fold([0, 0], |sum, [least, most]| [sum[0] + least, sum[1] + most]);
        let used = budget.used();
        self.common.same("the budget", used.clamp(least, most), used);
        if self.common.polite {
            let chunks: usize = self.benches.iter().map(Bench::heaviest).sum();
            let most = budget.limit().max(1) - 1 + chunks;
            self.common.same("within the budget and a chunk for each", used.min(most), used);
        }
    }

    /// I44: of those who wait, one is polled when it is woken, and all others never again. It gets its turn, whether the
    /// reader waits or takes out by hand what is there.
    fn forget(&mut self, at: usize) {
        let Some(who) = self.play(at, Bench::forget_all_but_one) else { return };
        let waits = self.random.below(2) == 0;
        self.play(at, |bench| {
            bench.note(if waits { "forgotten: next" } else { "forgotten: read" })
        });
        let mut idle = 0;
        for round in 0.. {
            self.common.same("spins", round < 10_000, true);
            let moved = self.play(at, |bench| bench.poll_one(who));
            let read = self.play(at, |bench| if waits { bench.read_on() } else { bench.read() });
            idle = if moved || read { 0 } else { idle + 1 };
            if idle == 3 || !self.benches[at].still_waits(who) {
                break;
            }
        }
        let bench = &self.benches[at];
        bench.same("waits behind those who were forgotten", bench.still_waits(who), false);
    }
}
