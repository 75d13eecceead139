//! Who is next: callers take turns, and each caller's requests keep their order. Pure.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Identifies a caller, so that callers can take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(u64);

impl Caller {
    /// This process itself.
    pub const OWN: Caller = Caller(0);

    /// A caller with a name of any kind, such as a client's address. Two names collide one time in 2^64, and then share
    /// their turns.
    pub fn named(name: impl Hash) -> Caller {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Caller(hasher.finish())
    }
}

/// Requests that wait. `R` is how a request is answered.
#[derive(Debug)]
pub(super) struct Queue<R> {
    /// Callers, the one whose turn is next first. No caller is listed twice, and each has a request.
    turns: VecDeque<Turn<R>>,
    len: usize,
    tickets: u64,
}

#[derive(Debug)]
struct Turn<R> {
    caller: Caller,
    /// The caller's requests, oldest first.
    requests: VecDeque<Request<R>>,
}

#[derive(Debug)]
struct Request<R> {
    ticket: u64,
    /// Whether the request can be turned away after it has joined.
    gives_way: bool,
    answer: R,
}

impl<R> Queue<R> {
    pub fn new() -> Queue<R> {
        Queue { turns: VecDeque::new(), len: 0, tickets: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a request behind the caller's other requests. A caller that had none is last to have a turn. The ticket is
    /// for [`Queue::leave`].
    pub fn join(&mut self, caller: Caller, gives_way: bool, answer: R) -> u64 {
        self.tickets += 1;
        self.len += 1;
        let ticket = self.tickets;
        let request = Request { ticket, gives_way, answer };
        match self.turns.iter_mut().find(|turn| turn.caller == caller) {
            Some(turn) => turn.requests.push_back(request),
            None => self.turns.push_back(Turn { caller, requests: [request].into() }),
        }
        ticket
    }

    /// Takes the next request out. Its caller's next turn comes after everybody else's.
    pub fn take_next(&mut self) -> Option<R> {
        let mut turn = self.turns.pop_front()?;
        let request = turn.requests.pop_front()?;
        self.len -= 1;
        if !turn.requests.is_empty() {
            self.turns.push_back(turn);
        }
        Some(request.answer)
    }

    /// Takes out a request that nobody waits for any more. `false` if it is not in the queue.
    pub fn leave(&mut self, caller: Caller, ticket: u64) -> bool {
        let Some(place) = self.turns.iter().position(|turn| turn.caller == caller) else { return false };
        let requests = &mut self.turns[place].requests;
        let Some(at) = requests.iter().position(|request| request.ticket == ticket) else { return false };
        requests.remove(at);
        self.len -= 1;
        if requests.is_empty() {
            self.turns.remove(place);
        }
        true
    }

    /// Makes room for `caller`. Takes out the newest request, of those that can be turned away, of the caller with the most
    /// requests, if that caller has at least two more than `caller`.
    pub fn make_room_for(&mut self, caller: Caller) -> Option<R> {
        let own = self.turns.iter().find(|turn| turn.caller == caller).map_or(0, |turn| turn.requests.len());
        let longest = self.turns.iter().max_by_key(|turn| turn.requests.len())?;
        if longest.requests.len() < own + 2 {
            return None;
        }
        let caller = longest.caller;
        let ticket = longest.requests.iter().rev().find(|request| request.gives_way)?.ticket;
        let turn = self.turns.iter_mut().find(|turn| turn.caller == caller)?;
        let at = turn.requests.iter().position(|request| request.ticket == ticket)?;
        self.len -= 1;
        // The caller has other requests, so it keeps its turn.
        turn.requests.remove(at).map(|request| request.answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(requests: &[(&str, &'static str)]) -> Queue<&'static str> {
        let mut line = Queue::new();
        for (caller, answer) in requests {
            line.join(Caller::named(caller), true, *answer);
        }
        line
    }

    fn drain(mut line: Queue<&'static str>) -> Vec<&'static str> {
        let order = std::iter::from_fn(|| line.take_next()).collect();
        assert!(line.is_empty());
        order
    }

    #[test]
    fn callers_take_turns_and_keep_their_own_order() {
        let line = line(&[("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2")]);
        assert_eq!(line.len(), 6);
        assert_eq!(drain(line), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    }

    #[test]
    fn a_request_leaves_once_from_any_place() {
        let mut line = Queue::new();
        let (one, two) = (Caller::named("one"), Caller::named("two"));
        let first = line.join(one, false, "first");
        let second = line.join(one, false, "second");
        let other = line.join(two, false, "other");
        assert!(line.leave(one, first) && !line.leave(one, first) && !line.leave(two, second));
        assert_eq!(line.len(), 2);
        assert!(line.leave(two, other));
        assert_eq!(drain(line), ["second"]);
    }

    #[test]
    fn room_is_made_by_the_newest_of_the_longest() {
        let mut line = line(&[("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")]);
        assert_eq!(line.make_room_for(Caller::named("b")), Some("a3"));
        assert_eq!(line.make_room_for(Caller::named("b")), None, "it would have as many as the longest");
        assert_eq!(line.make_room_for(Caller::named("a")), None);
        assert_eq!(line.make_room_for(Caller::named("c")), Some("a2"));
        assert_eq!(line.make_room_for(Caller::named("c")), None);
        assert_eq!(drain(line), ["a1", "b1"]);

        let mut patient = Queue::new();
        for answer in ["p1", "p2", "p3"] {
            patient.join(Caller::OWN, false, answer);
        }
        assert_eq!(patient.make_room_for(Caller::named("c")), None, "patient requests never give way");
    }
}
