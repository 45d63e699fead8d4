//! Pieces on their way: into tasks, over connections, through queues, back as results.

use offspring::{
    Array, Chunk, Error, PutError, Queue, SendError, TryPutError, message, pipe, process,
};

#[message]
struct Job {
    name: String,
    part: Chunk<u32>,
}

/// What children write.
fn work(job: &mut Job) {
    let first = job.part.start() as u32;
    job.part.iter_mut().zip(first..).for_each(|(element, number)| *element = number * 10);
}

#[process]
fn fill(mut part: Chunk<u32>) -> Chunk<u32> {
    let first = part.start() as u32;
    part.iter_mut().zip(first..).for_each(|(element, number)| *element = number * 10);
    part
}

#[process]
fn pass_on(part: Chunk<u32>) -> Chunk<u32> {
    fill::spawn(part).unwrap().join().unwrap()
}

#[process]
fn take_jobs(jobs: &Queue<Job>) {
    for mut job in jobs {
        assert_eq!(job.name, format!("from {}", job.part.start()));
        work(&mut job);
    }
}

#[process]
fn fill_again(array: Array<u32>, parts: Vec<Chunk<u32>>) -> Vec<Chunk<u32>> {
    assert!(array.is_lent());
    let fill = |mut part: Chunk<u32>| {
        part.fill(7);
        part
    };
    parts.into_iter().map(fill).collect()
}

fn tens(len: u32) -> Vec<u32> {
    (0..len).map(|i| i * 10).collect()
}

under_each_method! {
    fn into_a_task_and_back_as_its_result() {
        let array = Array::filled(0, 10).unwrap();
        let children: Vec<_> = array.chunks_mut(3).unwrap().map(|it| fill::spawn(it).unwrap()).collect();
        let parts: Vec<_> = children.into_iter().map(|child| child.join().unwrap()).collect();
        assert_eq!(array.lent(), 10);
        assert_eq!((parts[3].start(), &parts[3][..]), (9, &[90][..]));
        assert!(matches!(array.to_vec(), Err(Error::Lent { to_this_process: true })));
        drop(parts);
        assert_eq!(array.to_vec().unwrap(), tens(10));
    }

    fn through_several_hands() {
        let array = Array::filled(0, 4).unwrap();
        let part = array.chunks_mut(4).unwrap().next().unwrap();
        let part = pass_on::spawn(part).unwrap().join().unwrap();
        assert_eq!(part[..], tens(4));
        let (a, b) = pipe::<Chunk<u32>, Chunk<u32>>().unwrap();
        a.send(part).unwrap();
        assert!(array.is_lent(), "it is on its way");
        b.send(b.recv().unwrap()).unwrap();
        assert_eq!(fill::spawn(a.recv().unwrap()).unwrap().join().unwrap()[1], 10);
        assert_eq!(array.to_vec().unwrap(), tens(4));
    }

    fn through_a_queue_to_whoever_is_free() {
        let array = Array::filled(0, 1000).unwrap();
        let jobs = Queue::new().unwrap();
        let workers = [(); 2].map(|()| take_jobs::spawn(&jobs).unwrap());
        for part in array.chunks_mut(9).unwrap() {
            jobs.put(Job { name: format!("from {}", part.start()), part }).unwrap();
        }
        jobs.close();
        assert_eq!(array.to_vec().unwrap(), tens(1000));
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    }

    fn many_in_one_message() {
        let array = Array::filled(0, 300).unwrap();
        let parts: Vec<_> = array.chunks_mut(1).unwrap().collect();
        let back = fill_again::spawn(array.clone(), parts).unwrap().join().unwrap();
        assert_eq!((back.len(), array.lent()), (300, 300));
        drop(back);
        assert_eq!(array.to_vec().unwrap(), [7; 300]);
    }
}

/// A message of which the codec is asked twice: for its length, and for its bytes.
#[test]
fn in_a_large_item_of_a_queue() {
    let array = Array::filled(1, 4).unwrap();
    let queue = Queue::new().unwrap();
    let part = array.chunks_mut(4).unwrap().next().unwrap();
    queue.put(Job { name: "long".repeat(50_000), part }).unwrap();
    let mut job = queue.get().unwrap();
    work(&mut job);
    drop(job);
    assert_eq!(array.to_vec().unwrap(), tens(4));
}

#[test]
fn what_could_not_be_sent_is_as_before() {
    let array = Array::filled(1, 6).unwrap();
    let mut parts = array.chunks_mut(2).unwrap();
    let mut next = || parts.next().unwrap();
    let (a, b) = pipe::<Chunk<u32>, Chunk<u32>>().unwrap();
    drop(b);
    let Err(SendError::Eof(mut one)) = a.send(next()) else { panic!("there is nobody") };
    one.fill(5);
    let queue = Queue::bounded(1).unwrap();
    queue.put(next()).unwrap();
    let Err(TryPutError::Full(mut two)) = queue.try_put(one) else { panic!("it is full") };
    two.fill(6);
    queue.close();
    let Err(PutError::Closed(three)) = queue.put(two) else { panic!("it is closed") };
    assert_eq!((three[..].to_vec(), array.lent()), (vec![6, 6], 6));
    // And it can be sent all the same.
    let (a, b) = pipe::<Chunk<u32>, Chunk<u32>>().unwrap();
    a.send(three).unwrap();
    assert_eq!(b.recv().unwrap()[..], [6, 6]);
    assert_eq!((array.get(0), array.lent()), (Some(6), 4));
}

#[test]
fn a_task_that_is_not_started_gives_it_back() {
    let array = Array::filled(1, 4).unwrap();
    let task = fill::task(array.chunks_mut(4).unwrap().next().unwrap());
    assert_eq!(array.lent(), 4);
    drop(task);
    assert_eq!(array.to_vec().unwrap(), [1; 4]);
}

/// With a retry, the parent keeps what it may have to hand out again; the piece is the child's all the same.
#[test]
fn a_task_that_may_be_started_again() {
    let array = Array::filled(1, 4).unwrap();
    let task = fill::task(array.chunks_mut(4).unwrap().next().unwrap()).retry(2);
    drop(task.spawn().unwrap().join().unwrap());
    assert_eq!(array.to_vec().unwrap(), tens(4));
}
