//! `_TestEvent`: `Event`.

use std::thread;
use std::time::{Duration, Instant};

use offspring::{Event, process};

use crate::support::A_WHILE;

#[process]
fn set_later(event: &Event) {
    thread::sleep(A_WHILE);
    event.set();
}

under_each_method! {
    fn test_event() {
        let event = Event::new().unwrap();
        assert!(!event.is_set());
        assert!(!event.wait_timeout(Duration::ZERO));
        let start = Instant::now();
        assert!(!event.wait_timeout(A_WHILE));
        assert!(start.elapsed() >= A_WHILE);
        event.set();
        assert!(event.is_set());
        event.wait();
        assert!(event.wait_timeout(Duration::ZERO));
        assert!(event.wait_until(Instant::now()));
        // Until it is cleared it stays set, however often it is asked.
        assert!(event.is_set());
        event.clear();
        assert!(!event.is_set());
        assert!(!event.wait_timeout(Duration::ZERO));
        let child = set_later::spawn(&event).unwrap();
        event.wait();
        assert!(event.is_set());
        child.join().unwrap();
    }

    fn test_repr() {
        let event = Event::new().unwrap();
        let unset = format!("{event:?}");
        event.set();
        let set = format!("{event:?}");
        assert_ne!(set, unset);
        event.clear();
        assert_eq!(format!("{event:?}"), unset);
    }
}
