//! iceoryx2's publish and subscribe, as a queue: nothing is dropped, and both sides poll. Written and read in place.

use std::hint::spin_loop;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::{env, fs, process, thread};

use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe;

use super::case::Case;
use super::lane::{Lane, Look, Seen};
use crate::Fallible;

/// Where its memory has names.
const MEMORY: &str = "/dev/shm";

/// A service that both sides open where they run.
#[derive(Debug)]
pub struct Iceoryx {
    name: String,
    config: Config,
    case: Case,
}

/// What its files are called that an agent and its crew make.
fn prefix() -> String {
    format!("offspring-bench-{}-", process::id())
}

fn root() -> PathBuf {
    env::temp_dir().join(prefix())
}

/// Removes what is left of the files, when the crew has gone: folders and some memory stay behind, even of nodes that
/// were closed.
pub fn leave_nothing() {
    let _ = fs::remove_dir_all(root());
    for entry in fs::read_dir(MEMORY).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

type Service = publish_subscribe::PortFactory<ipc::Service, [u8], ()>;

impl Iceoryx {
    fn open(&self) -> Fallible<(Service, Node<ipc::Service>)> {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().config(&self.config).create::<ipc::Service>()?;
        let service = node
            .service_builder(&self.name.as_str().try_into()?)
            .publish_subscribe::<[u8]>()
            .payload_alignment(Alignment::new(64).ok_or("no such alignment")?)
            .enable_safe_overflow(false)
            .subscriber_max_buffer_size(self.case.bound())
            .history_size(0)
            .open_or_create()?;
        Ok((service, node))
    }
}

impl Lane for Iceoryx {
    fn new(case: Case) -> Fallible<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("lane {}", NUMBER.fetch_add(1, Relaxed));
        let mut config = Config::default();
        config.global.prefix = FileName::new(prefix().as_bytes())?;
        let root = root();
        let root = root.to_str().ok_or("a folder with a strange name")?;
        config.global.set_root_path(&Path::new(root.as_bytes())?);
        Ok(Self { name, config, case })
    }

    fn producer(&self) -> Fallible<impl FnMut(&[u8])> {
        let (service, node) = self.open()?;
        let publisher = service
            .publisher_builder()
            .initial_max_slice_len(self.case.size())
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        Ok(move |source: &[u8]| {
            let _keep = &node;
            let sample = publisher.loan_slice_uninit(source.len()).expect("a sample is free");
            sample.write_from_slice(source).send().expect("the subscriber is there");
        })
    }

    fn consumer(&self) -> Fallible<impl FnMut() -> Seen> {
        let (service, node) = self.open()?;
        let subscriber = service.subscriber_builder().buffer_size(self.case.bound()).create()?;
        // One to whom no way leads yet is not waited for: what does not fit into the buffer would be lost.
        while service.dynamic_config().number_of_publishers() == 0 {
            thread::yield_now();
        }
        subscriber.receive()?;
        let look = Look::new(self.case);
        Ok(move || {
            let _keep = &node;
            loop {
                if let Some(sample) = subscriber.receive().expect("the publisher is there") {
                    return look.at(sample.payload());
                }
                spin_loop();
            }
        })
    }
}
