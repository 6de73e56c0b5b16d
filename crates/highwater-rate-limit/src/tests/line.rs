//! The line: F56, C79, C81, with many who ask, come late, stay away or go away.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{assert_quota, rates, start};
use crate::Rate;
use crate::bucket::Bucket;
use crate::line::{Line, Turn};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn line(rate: Rate, burst: u64) -> Line {
    let mut bucket = Bucket::new(rate);
    bucket.set_burst(burst);
    Line::new(bucket)
}

/// Somebody who wants to pass again and again.
#[derive(Debug, Clone, Default)]
struct Member {
    ticket: Option<u64>,
    back: Option<Instant>,
    asked: u64,
    passed: u64,
}

/// Many who share a line, and a plain loop that lets each ask when it is time.
struct Crowd {
    line: Line,
    members: Vec<Member>,
    zero: Instant,
    now: Instant,
    passed: Vec<(u64, u64)>,
    /// In which order they asked first, and in which they passed.
    order: Vec<(u64, usize)>,
    asks: u64,
}

impl Crowd {
    fn new(line: Line, members: usize) -> Self {
        let zero = start();
        let members = vec![Member::default(); members];
        Self { line, members, zero, now: zero, passed: Vec::new(), order: Vec::new(), asks: 0 }
    }

    fn ask(&mut self, who: usize, weight: u64) {
        let member = &mut self.members[who];
        if member.ticket.is_none() {
            self.asks += 1;
            member.asked = self.asks;
        }
        match self.line.ask(&mut member.ticket, weight, self.now, Duration::MAX) {
            Turn::Wait(back) => member.back = Some(back),
            Turn::Pass => {
                member.back = None;
                member.passed += 1;
                self.order.push((member.asked, who));
                let now = u64::try_from((self.now - self.zero).as_nanos()).unwrap();
                self.passed.push((now, weight));
            }
        }
    }

    fn go_away(&mut self, who: usize) {
        let member = &mut self.members[who];
        self.line.leave(member.ticket.take());
        member.back = None;
    }

    /// Everybody in `awake` asks whenever it is time, again and again, until `end`.
    fn run(&mut self, awake: &[usize], end: Instant, weight: impl Fn(usize) -> u64) {
        loop {
            for &who in awake {
                if self.members[who].back.is_none_or(|back| back <= self.now) {
                    self.ask(who, weight(who));
                }
            }
            // Who has passed asks again at once, behind the others.
            if awake.iter().any(|who| self.members[*who].back.is_none()) {
                continue;
            }
            let next = awake.iter().filter_map(|who| self.members[*who].back).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
        }
        self.now = end;
    }
}

/// C79, C81: 50 share what passes equally, in the order in which they asked, and together keep the quota.
#[test]
fn fifty_share_equally_and_keep_the_quota() {
    for (rate, burst) in [(1000, 1), (1000, 51), (50, 1), (50_000, 2501)] {
        let rate = Rate::per_second(rate);
        let mut crowd = Crowd::new(line(rate, burst), 50);
        let (all, end): (Vec<_>, _) = ((0..50).collect(), crowd.zero + Duration::from_secs(2));
        crowd.run(&all, end, |_| 1);
        assert_quota(&crowd.passed, rate, burst);
        assert_eq!(crowd.passed.len() as u128, 1 + 2 * rate.amount(), "{rate} {burst}");
        let shares: Vec<_> = crowd.members.iter().map(|member| member.passed).collect();
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(most - least <= 1, "{rate} {burst}: {shares:?}");
        assert!(crowd.order.is_sorted(), "first come, first served");
    }
}

/// C81: somebody whose items are heavy has as many turns as the others, and nobody is passed over.
#[test]
fn turns_are_shared_by_number_and_not_by_weight() {
    let mut crowd = Crowd::new(line(Rate::per_second(1000), 5), 3);
    let end = crowd.zero + Duration::from_secs(10);
    crowd.run(&[0, 1, 2], end, |who| [1, 3, 20][who]);
    let shares: Vec<_> = crowd.members.iter().map(|member| member.passed).collect();
    assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{shares:?}");
    let all: u64 = crowd.passed.iter().map(|(_, weight)| weight).sum();
    assert!((9_900..=10_020).contains(&all), "{all}");
}

/// F56: who goes away has taken nothing: the others pass as if it had never asked, as soon as they look.
#[test]
fn who_goes_away_has_taken_nothing() {
    let mut crowd = Crowd::new(line(Rate::per_second(10), 1), 4);
    let at = |crowd: &Crowd, ms| crowd.zero + millis(ms);
    for who in 0..4 {
        crowd.ask(who, if who == 1 { 50 } else { 1 });
    }
    // 0 has passed; 1 waits for 100 ms and is worked off 5 s later.
    let backs: Vec<_> = crowd.members[1..].iter().map(|member| member.back.unwrap()).collect();
    assert_eq!(backs, [100, 5100, 5200].map(|ms| at(&crowd, ms)));
    assert_eq!(crowd.line.is_late(), None);
    crowd.go_away(1);
    // The first in the line could come sooner now: whoever can be called is called.
    assert_eq!(crowd.line.is_late(), crowd.members[2].ticket);
    crowd.now = at(&crowd, 50);
    crowd.ask(2, 1);
    assert_eq!(crowd.members[2].back, Some(at(&crowd, 100)));
    assert_eq!(crowd.line.is_late(), None);
    crowd.now = at(&crowd, 100);
    crowd.ask(2, 1);
    assert_eq!(crowd.line.is_late(), crowd.members[3].ticket);
    crowd.ask(3, 1);
    assert_eq!((crowd.members[2].passed, crowd.members[3].back), (1, Some(at(&crowd, 200))));
    assert_eq!(crowd.line.len(), 1);
}

/// Who does not come when it is its turn holds nobody up for long, and keeps its place.
#[test]
fn who_stays_away_holds_nobody_up() {
    let rate = Rate::per_second(100);
    let mut crowd = Crowd::new(line(rate, 1), 5);
    for who in 0..5 {
        crowd.ask(who, 1);
    }
    // 1 and 2 stay away; the others lose 50 ms and two turns by it, once.
    let end = crowd.zero + Duration::from_secs(1);
    crowd.run(&[0, 3, 4], end, |_| 1);
    assert!((93..=101).contains(&crowd.passed.len()), "{}", crowd.passed.len());
    assert_quota(&crowd.passed, rate, 1);
    // They come back, and are before the others that wait.
    crowd.passed.clear();
    crowd.order.clear();
    crowd.ask(1, 1);
    crowd.ask(2, 1);
    let end = crowd.now + millis(100);
    crowd.run(&[0, 1, 2, 3, 4], end, |_| 1);
    let first: Vec<_> = crowd.order.iter().take(2).map(|(_, who)| *who).collect();
    assert_eq!(first, [1, 2]);
}

/// What somebody does in the middle of it all.
#[derive(Debug, Clone, Copy)]
enum Act {
    Ask,
    GoAway,
    /// Time passes, while nobody asks.
    Pass(u64),
}

proptest! {
    /// I60, F56, C79: whoever asks, waits, comes late or goes away in whatever order, the quota is kept; nobody who asks
    /// alone has to wait longer than what has passed demands, and the line holds exactly those who wait.
    #[test]
    fn the_quota_is_kept_by_any_crowd(
        rate in rates(),
        burst in 1..20_u64,
        acts in vec((0..6_usize, 1..30_u64, prop_oneof![
            4 => Just(Act::Ask),
            1 => Just(Act::GoAway),
            2 => (0..2_000_000_000_u64).prop_map(Act::Pass),
        ]), 1..80),
    ) {
        let mut crowd = Crowd::new(line(rate, burst), 6);
        for (who, weight, act) in acts {
            match act {
                Act::Ask => crowd.ask(who, weight),
                Act::GoAway => crowd.go_away(who),
                Act::Pass(nanos) => crowd.now += Duration::from_nanos(nanos),
            }
        }
        assert_quota(&crowd.passed, rate, burst);
        for who in 0..5 {
            crowd.go_away(who);
        }
        prop_assert!(crowd.line.len() <= 1);
        // The last one left passes when the quota of what has passed says so, whoever waited before.
        crowd.ask(5, 1);
        while let Some(back) = crowd.members[5].back {
            crowd.now = back;
            crowd.ask(5, 1);
        }
        let (last, before) = crowd.passed.split_last().unwrap();
        let earliest = super::earliest(before, 1, rate, burst);
        prop_assert!(crowd.line.len() == 0);
        prop_assert!(last.0 >= earliest);
    }

    /// C81, F56: with any who go away and come again, those who stay have equal shares, and nothing of the rate is lost
    /// but what nobody wanted.
    #[test]
    fn shares_are_equal_whoever_goes_away(leaving in vec((0..10_usize, 1..40_u64), 0..60)) {
        let rate = Rate::per_second(1000);
        let mut crowd = Crowd::new(line(rate, 51), 20);
        let all: Vec<_> = (0..20).collect();
        for (who, pause) in leaving {
            let end = crowd.now + millis(pause);
            crowd.run(&all, end, |_| 1);
            crowd.go_away(who);
        }
        let end = crowd.now + millis(100);
        crowd.run(&all, end, |_| 1);
        let elapsed = (end - crowd.zero).as_millis();
        prop_assert_eq!(crowd.passed.len() as u128, elapsed + 1);
        let stayed: Vec<_> = crowd.members[10..].iter().map(|member| member.passed).collect();
        let (least, most) = (stayed.iter().min().unwrap(), stayed.iter().max().unwrap());
        prop_assert!(most - least <= 1, "{stayed:?}");
        assert_quota(&crowd.passed, rate, 51);
    }
}
