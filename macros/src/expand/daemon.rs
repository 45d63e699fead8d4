//! The options of a task as constants, and what a daemon has more than a process.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::attr::Setting;
use crate::check::function::Kind;
use crate::path::Crate;

/// `const { Settings::new("count")… }`: what the attribute says, with nothing left to do at run time.
pub(crate) fn settings(
    path: &Crate,
    title: &str,
    kind: Kind,
    settings: &[(Ident, Setting)],
) -> TokenStream {
    let private = path.private();
    let daemon = (kind == Kind::Daemon).then(|| quote!(.daemon(true)));
    let restart = implied_restart(settings).then(|| quote!(.restart(#private::Restart::OnFailure)));
    let calls = settings.iter().map(|(_, setting)| call(setting, path));
    quote!(const { #private::Settings::new(#title) #daemon #restart #(#calls)* })
}

/// Whether the budget of restarts is spelled out, but not that there are any.
fn implied_restart(settings: &[(Ident, Setting)]) -> bool {
    let budget = |setting: &Setting| {
        matches!(
            setting,
            Setting::MaxRestarts(_) | Setting::WithinNanos(_) | Setting::BackoffNanos(..)
        )
    };
    let policy = |setting: &Setting| matches!(setting, Setting::Restart(_));
    settings.iter().any(|(_, it)| budget(it)) && !settings.iter().any(|(_, it)| policy(it))
}

fn call(setting: &Setting, path: &Crate) -> TokenStream {
    let private = path.private();
    match setting {
        Setting::Name(name) => quote!(.name(#name)),
        Setting::Start(method) => {
            let method = format_ident!("{method}");
            quote!(.start(#path::StartMethod::#method))
        }
        Setting::TimeoutNanos(nanoseconds) => {
            let timeout = duration(*nanoseconds);
            quote!(.timeout(#timeout))
        }
        Setting::MemoryBytes(bytes) => quote!(.memory(#bytes)),
        Setting::Nice(nice) => quote!(.nice(#nice)),
        Setting::Daemon(daemon) => quote!(.daemon(#daemon)),
        Setting::Retry(times) => quote!(.retry(#times)),
        Setting::Restart(policy) => {
            let policy = format_ident!("{policy}");
            quote!(.restart(#private::Restart::#policy))
        }
        Setting::MaxRestarts(times) => quote!(.max_restarts(#times)),
        Setting::WithinNanos(nanoseconds) => {
            let within = duration(*nanoseconds);
            quote!(.within(#within))
        }
        Setting::BackoffNanos(from, to) => {
            let (from, to) = (duration(*from), duration(*to));
            quote!(.backoff(#from, #to))
        }
    }
}

fn duration(nanoseconds: u64) -> TokenStream {
    quote!(::core::time::Duration::from_nanos(#nanoseconds))
}
