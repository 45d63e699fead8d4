//! A child stands where its parent stands at the time of `spawn`, whenever its server was started.

#![allow(unsafe_code, reason = "the environment is changed in a process with one thread")]

use std::env;
use std::path::PathBuf;

use offspring::process;

use crate::support::{contents, echo};

#[process]
fn look(keys: &[String]) -> (Vec<Option<String>>, PathBuf) {
    (keys.iter().map(|key| env::var(key).ok()).collect(), env::current_dir().unwrap())
}

#[process]
fn say(text: &str) {
    println!("{text}");
    eprintln!("{text}!");
}

#[process]
fn say_in_a_child(text: &str) {
    say::spawn(text).unwrap().join().unwrap();
}

fn set(key: &str, value: Option<&str>) {
    match value {
        // SAFETY: called in a child whose only thread this is.
        Some(value) => unsafe { env::set_var(key, value) },
        // SAFETY: as above.
        None => unsafe { env::remove_var(key) },
    }
}

under_each_method! {
    fn changes_of_the_environment_are_seen() {
        set("OFFSPRING_STAYS", Some("1"));
        set("OFFSPRING_CHANGES", Some("1"));
        set("OFFSPRING_GOES", Some("1"));
        echo::spawn(0).unwrap().join().unwrap();
        set("OFFSPRING_CHANGES", Some("2"));
        set("OFFSPRING_GOES", None);
        set("OFFSPRING_COMES", Some(""));
        let keys = ["STAYS", "CHANGES", "GOES", "COMES"].map(|key| format!("OFFSPRING_{key}"));
        let (values, _) = look::spawn(&keys).unwrap().join().unwrap();
        let values: Vec<_> = values.iter().map(Option::as_deref).collect();
        assert_eq!(values, [Some("1"), Some("2"), None, Some("")]);
    }

    fn the_working_directory_is_the_parents_present_one() {
        echo::spawn(0).unwrap().join().unwrap();
        let place = tempfile::tempdir().unwrap();
        let wanted = place.path().canonicalize().unwrap();
        env::set_current_dir(&wanted).unwrap();
        assert_eq!(look::spawn(&[]).unwrap().join().unwrap().1, wanted);
        env::set_current_dir("/").unwrap();
        assert_eq!(look::spawn(&[]).unwrap().join().unwrap().1, PathBuf::from("/"));
    }

    fn redirected_streams_are_the_parents_present_ones() {
        echo::spawn(0).unwrap().join().unwrap();
        let (output, errors) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        rustix::stdio::dup2_stdout(&output).unwrap();
        rustix::stdio::dup2_stderr(&errors).unwrap();
        say::spawn("one").unwrap().join().unwrap();
        say_in_a_child::spawn("two").unwrap().join().unwrap();
        assert_eq!(contents(output), "one\ntwo\n");
        assert_eq!(contents(errors), "one!\ntwo!\n");
    }
}
