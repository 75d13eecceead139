use std::{collections::HashSet, future::Future, pin::pin, task::Poll, time::Duration};

use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::{Admission, Admit, Caller};

const SOON: Duration = Duration::from_secs(5);

/// Polls once, so that the future joins the queue, and tells whether it is still waiting.
async fn is_waiting<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn slots_have_distinct_indices_and_come_back() {
    let admission = Admission::new(3, 0);
    let held: Vec<_> = [
        admission.enter(Admit::Bounded, Caller::OWN).await.unwrap(),
        admission.enter(Admit::Bounded, Caller::OWN).await.unwrap(),
        admission.enter(Admit::Bounded, Caller::OWN).await.unwrap(),
    ]
    .into();
    let indices: HashSet<_> = held.iter().map(super::Slot::index).collect();
    assert_eq!(indices, HashSet::from([0, 1, 2]));
    assert_eq!(admission.in_use(), 3);
    drop(held);
    assert_eq!(admission.in_use(), 0);
    assert_eq!(admission.enter(Admit::Bounded, Caller::OWN).await.unwrap().waited().as_secs(), 0);
}

#[tokio::test]
async fn a_full_queue_turns_bounded_callers_away_but_not_patient_ones() {
    let admission = Admission::new(1, 1);
    let held = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let mut queued = pin!(admission.enter(Admit::Bounded, Caller::OWN));
    assert!(is_waiting(&mut queued).await);

    let refused = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap_err();
    assert_eq!((refused.slots, refused.waiting), (1, 1));
    assert!(refused.retry_after >= Duration::from_secs(1));

    let mut patient = pin!(admission.enter(Admit::Patient, Caller::OWN));
    assert!(is_waiting(&mut patient).await);
    assert_eq!(admission.waiting(), 2);
    drop(held);
    drop(timeout(SOON, queued).await.unwrap().unwrap());
    drop(timeout(SOON, patient).await.unwrap().unwrap());
    assert_eq!((admission.waiting(), admission.in_use()), (0, 0));
}

#[tokio::test]
async fn a_waiter_that_goes_away_leaves_no_trace() {
    let admission = Admission::new(1, 1);
    let held = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    {
        let mut queued = pin!(admission.enter(Admit::Bounded, Caller::OWN));
        assert!(is_waiting(&mut queued).await);
        assert_eq!(admission.waiting(), 1);
    }
    assert_eq!(admission.waiting(), 0);
    drop(held);
    timeout(SOON, admission.enter(Admit::Bounded, Caller::OWN)).await.unwrap().unwrap();
    assert_eq!(admission.in_use(), 0);
}

#[tokio::test]
async fn a_bounded_wait_ends() {
    let admission = Admission::with_max_wait(1, 8, Some(Duration::from_millis(20)));
    let held = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    timeout(SOON, admission.enter(Admit::Bounded, Caller::OWN)).await.unwrap().unwrap_err();
    assert_eq!(admission.waiting(), 0);
    let mut patient = pin!(admission.enter(Admit::Patient, Caller::OWN));
    assert!(timeout(Duration::from_millis(60), &mut patient).await.is_err(), "patience has no bound");
    drop(held);
    timeout(SOON, patient).await.unwrap().unwrap();
}

#[tokio::test]
async fn callers_are_served_in_the_order_they_came() {
    let admission = Admission::new(1, 64);
    let held = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let (served, mut order) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for number in 0..32 {
        let (admission_of_task, served) = (admission.clone(), served.clone());
        tasks.spawn(async move {
            let slot = admission_of_task.enter(Admit::Bounded, Caller::OWN).await.unwrap();
            served.send(number).unwrap();
            drop(slot);
        });
        while admission.waiting() <= number {
            tokio::task::yield_now().await;
        }
    }
    drop((held, served));
    timeout(SOON, tasks.join_all()).await.unwrap();
    let mut seen = Vec::new();
    while let Some(number) = order.recv().await {
        seen.push(number);
    }
    assert_eq!(seen, (0..32).collect::<Vec<_>>());
}

/// Everybody goes in, then comes again, and some leave the queue: nobody may be stuck and every index
/// must be back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_come_and_go_neither_deadlock_nor_lose_a_slot() {
    let admission = Admission::new(4, 1000);
    let mut tasks = JoinSet::new();
    for number in 0..200_u64 {
        let admission = admission.clone();
        tasks.spawn(async move {
            let Ok(slot) = admission.enter(Admit::Bounded, Caller::OWN).await else {
                panic!("the queue is long enough")
            };
            tokio::time::sleep(Duration::from_micros(number * 7 % 300)).await;
            match number % 4 {
                0 => {
                    drop(slot);
                    drop(admission.enter(Admit::Patient, Caller::OWN).await);
                }
                1 => {
                    drop(slot);
                    let again = admission.enter(Admit::Patient, Caller::OWN);
                    drop(timeout(Duration::from_micros(number * 13 % 500), again).await);
                }
                _ => drop(slot),
            }
        });
    }
    timeout(Duration::from_secs(30), tasks.join_all()).await.expect("a deadlock");
    assert_eq!((admission.waiting(), admission.in_use()), (0, 0));
    let mut indices = admission.house.state().free.clone();
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_caller_with_one_request_does_not_wait_behind_all_of_anothers() {
    let admission = Admission::new(1, 100);
    let held = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let (served, mut order) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for (number, caller) in ["batch", "batch", "batch", "batch", "single"].into_iter().enumerate() {
        let (admission_of_task, served) = (admission.clone(), served.clone());
        tasks.spawn(async move {
            let slot = admission_of_task.enter(Admit::Bounded, Caller::named(caller)).await.unwrap();
            served.send(caller).unwrap();
            drop(slot);
        });
        while admission.waiting() <= number {
            tokio::task::yield_now().await;
        }
    }
    drop((held, served));
    timeout(SOON, tasks.join_all()).await.unwrap();
    let mut seen = Vec::new();
    while let Some(caller) = order.recv().await {
        seen.push(caller);
    }
    assert_eq!(seen, ["batch", "single", "batch", "batch", "batch"]);
}

#[tokio::test]
async fn a_full_queue_of_one_caller_makes_room_for_another() {
    let admission = Admission::new(1, 2);
    let held = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let (greedy, modest) = (Caller::named("greedy"), Caller::named("modest"));
    let mut first = pin!(admission.enter(Admit::Bounded, greedy));
    let mut second = pin!(admission.enter(Admit::Bounded, greedy));
    assert!(is_waiting(&mut first).await && is_waiting(&mut second).await);
    admission.enter(Admit::Bounded, greedy).await.unwrap_err();

    let mut other = pin!(admission.enter(Admit::Bounded, modest));
    assert!(is_waiting(&mut other).await);
    timeout(SOON, second).await.unwrap().unwrap_err();
    assert_eq!(admission.waiting(), 2);
    admission.enter(Admit::Bounded, modest).await.unwrap_err();
    drop(held);
    drop(timeout(SOON, first).await.unwrap().unwrap());
    drop(timeout(SOON, other).await.unwrap().unwrap());
    assert_eq!((admission.waiting(), admission.in_use()), (0, 0));
}

#[tokio::test]
async fn an_idle_slot_is_taken_only_where_nobody_waits() {
    let admission = Admission::new(1, 8);
    let held = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    {
        let mut behind = pin!(admission.enter(Admit::Bounded, Caller::OWN));
        assert!(is_waiting(&mut behind).await);
        drop(held);
        assert!(admission.enter_if_idle().is_none(), "it went to whoever waited");
        drop(timeout(SOON, behind).await.unwrap().unwrap());
    }
    let idle = admission.enter_if_idle().expect("a slot is free and nobody waits");
    let mut until_idle = pin!(admission.until_idle());
    assert!(is_waiting(&mut until_idle).await);
    drop(idle);
    timeout(SOON, until_idle).await.unwrap();
}
