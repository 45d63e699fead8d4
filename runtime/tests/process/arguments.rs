//! What a task is called with arrives as it was: by value, lent, generic, with handles.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use offspring::{Error, Message, Shared, message, process, shared};

#[process]
fn lent(text: &str, numbers: &[u32], names: &[String], path: &Path) -> (String, u32, usize, usize) {
    (text.to_uppercase(), numbers.iter().sum(), names.concat().len(), path.as_os_str().len())
}

#[process]
fn hex(path: &Path, name: &OsStr, c: &CStr) -> Vec<Vec<u8>> {
    vec![path.as_os_str().as_bytes().to_vec(), name.as_bytes().to_vec(), c.to_bytes().to_vec()]
}

#[process]
fn by_value(
    mut list: Vec<i8>,
    map: BTreeMap<String, Option<f64>>,
    unit: (),
    text: String,
) -> usize {
    list.push(0);
    let () = unit;
    list.len() + map.len() + text.len()
}

#[process]
fn open(ready: bool, path: PathBuf) -> bool {
    ready && path.exists()
}

#[process]
fn largest<T: Message + Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().max()
}

#[process]
fn repeated<const N: usize>(text: &str) -> String {
    text.repeat(N)
}

#[process]
fn pair<T: Message + Clone, const N: usize>(value: &T) -> (T, usize) {
    (value.clone(), N)
}

#[shared]
struct Account {
    deposits: AtomicU64,
    total: AtomicU64,
}

#[process]
fn deposit(account: &Shared<Account>, amount: u64) -> u64 {
    account.deposits.fetch_add(1, SeqCst);
    account.total.fetch_add(amount, SeqCst)
}

#[process]
fn keep(account: Shared<Account>) -> Shared<Account> {
    account.total.fetch_add(1, SeqCst);
    account
}

type Made = (Shared<[u64]>, Option<Shared<AtomicU64>>);

#[process]
fn make(numbers: &[u64]) -> offspring::Result<Made> {
    let copied = Shared::from_fn(numbers.len(), |at| numbers[at])?;
    Ok((copied, Some(Shared::new(AtomicU64::new(5))?)))
}

#[message]
struct Bag {
    label: String,
    first: Shared<AtomicU64>,
    rest: Vec<Shared<AtomicU64>>,
}

#[process]
fn count_up(mut bag: Bag) -> Bag {
    for counter in std::iter::once(&bag.first).chain(&bag.rest) {
        counter.fetch_add(1, SeqCst);
    }
    bag.label.push('!');
    bag
}

#[process]
#[derive(Clone)]
struct Mailer {
    to: String,
    sent: Shared<AtomicU64>,
}

#[process]
impl Mailer {
    fn run(self) -> String {
        self.sent.fetch_add(1, SeqCst);
        self.greeting()
    }

    fn greeting(&self) -> String {
        format!("dear {}", self.to)
    }
}

fn account() -> Shared<Account> {
    Shared::new(Account { deposits: AtomicU64::new(0), total: AtomicU64::new(0) }).unwrap()
}

fn bag(handles: usize) -> Bag {
    let handle = || Shared::new(AtomicU64::new(0)).unwrap();
    Bag { label: "bag".to_owned(), first: handle(), rest: (1..handles).map(|_| handle()).collect() }
}

under_each_method! {
    fn references() {
        let names = ["a".to_owned(), "bc".to_owned()];
        let given = lent::spawn("groß", &[1, 2, 3], &names, Path::new("/tmp")).unwrap();
        assert_eq!(given.join().unwrap(), ("GROSS".to_owned(), 6, 3, 4));
        let given = lent::spawn("", &[], &[], Path::new("")).unwrap();
        assert_eq!(given.join().unwrap(), (String::new(), 0, 0, 0));
    }

    fn texts_of_the_system_need_not_be_utf8() {
        let odd = OsString::from_vec(vec![b'/', 0xff, 0xfe, b'x']);
        let c = CString::new(vec![0xc3, 0x28]).unwrap();
        let given = hex::spawn(Path::new(&odd), &odd, &c).unwrap().join().unwrap();
        assert_eq!(given, [odd.as_bytes(), odd.as_bytes(), c.to_bytes()]);
    }

    fn values() {
        let map = BTreeMap::from([("x".to_owned(), Some(0.5)), ("y".to_owned(), None)]);
        assert_eq!(by_value::spawn(vec![1, -1], map, (), "four".to_owned()).unwrap().join().unwrap(), 9);
    }

    fn generic_tasks() {
        assert_eq!(largest::spawn(vec![3u8, 9, 4]).unwrap().join().unwrap(), Some(9));
        let words = ["pear".to_owned(), "apple".to_owned()];
        assert_eq!(largest::spawn(words.to_vec()).unwrap().join().unwrap().as_deref(), Some("pear"));
        assert_eq!(repeated::spawn::<3>("ab").unwrap().join().unwrap(), "ababab");
        assert_eq!(pair::spawn::<_, 7>(&Some('x')).unwrap().join().unwrap(), (Some('x'), 7));
    }

    fn handles_lent_given_and_given_back() {
        let account = account();
        let children: Vec<_> = (1..=4).map(|n| deposit::spawn(&account, n).unwrap()).collect();
        for child in children {
            child.join().unwrap();
        }
        assert_eq!((account.deposits.load(SeqCst), account.total.load(SeqCst)), (4, 10));
        let same = keep::spawn(account.clone()).unwrap().join().unwrap();
        same.total.fetch_add(1, SeqCst);
        assert_eq!(account.total.load(SeqCst), 12);
    }

    /// What a child has made outlives it in its parent's hands.
    fn handles_made_in_a_child() {
        let (numbers, counter) = make::spawn(&[3, 1, 2]).unwrap().join().unwrap().unwrap();
        assert_eq!(*numbers, [3, 1, 2]);
        assert_eq!(counter.unwrap().load(SeqCst), 5);
    }

    /// More than fit into one message of the system (253).
    fn hundreds_of_handles_inside_a_message() {
        let bag = bag(300);
        let mine: Vec<_> = std::iter::once(&bag.first).chain(&bag.rest).cloned().collect();
        let back = count_up::spawn(bag).unwrap().join().unwrap();
        assert_eq!((back.label.as_str(), back.rest.len()), ("bag!", 299));
        assert!(mine.iter().all(|counter| counter.load(SeqCst) == 1));
        back.rest[298].store(77, SeqCst);
        assert_eq!(mine[299].load(SeqCst), 77);
    }

    fn the_class_form() {
        let sent = Shared::new(AtomicU64::new(0)).unwrap();
        let mailer = Mailer { to: "ann".to_owned(), sent: sent.clone() };
        let process = mailer.clone().spawn().unwrap();
        assert!(process.name().starts_with("Mailer-"), "{process:?}");
        assert_eq!(process.join().unwrap(), mailer.greeting());
        assert_eq!(mailer.task().name("post").spawn().unwrap().join().unwrap(), "dear ann");
        assert_eq!(sent.load(SeqCst), 2);
    }

    fn an_argument_that_cannot_be_encoded_is_named() {
        let odd = PathBuf::from(OsString::from_vec(vec![0xff]));
        match open::spawn(true, odd) {
            Err(Error::Encode { name, reason }) => {
                assert_eq!(name, "path");
                assert!(reason.contains("UTF-8"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }

    /// The function itself stays what it was.
    fn a_plain_call() {
        let account = account();
        assert_eq!(deposit(&account, 3), 0);
        assert_eq!(largest(vec![1, 2]), Some(2));
    }
}
