//! The grammar of our attributes' arguments: `name = "…", timeout = "5s", daemon, crate = path`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, ExprUnary, Lit, LitStr, Token, UnOp};

use crate::errors::Errors;
use crate::path::Crate;
use crate::units;

/// What one attribute said.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) path: Crate,
    pub(crate) settings: Vec<(Ident, Setting)>,
}

/// One option, understood.
pub(crate) enum Setting {
    Name(LitStr),
    Start(&'static str),
    TimeoutNanos(u64),
    MemoryBytes(u64),
    Nice(i32),
    Daemon(bool),
    Retry(u32),
    Restart(&'static str),
    MaxRestarts(u32),
    WithinNanos(u64),
    BackoffNanos(u64, u64),
}

const ALL: &str = "`name`, `start`, `timeout`, `memory`, `nice`, `daemon`, `retry`, `crate`, and \
                   on a daemon `restart`, `max_restarts`, `within`, `backoff`";

/// Reads the arguments of `#[process]` or `#[daemon]`; whatever is wrong with one option leaves the
/// others known.
pub(crate) fn parse(arguments: TokenStream, errors: &mut Errors) -> Options {
    read(arguments, None, errors)
}

/// Reads the arguments of an `attribute` that takes nothing but `crate = …`.
pub(crate) fn parse_crate(arguments: TokenStream, attribute: &str, errors: &mut Errors) -> Options {
    read(arguments, Some(attribute), errors)
}

fn read(arguments: TokenStream, only_crate: Option<&str>, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    let every = |input: ParseStream<'_>| {
        let mut seen = Vec::<Ident>::new();
        while !input.is_empty() {
            let key = match input.call(Ident::parse_any) {
                Ok(key) => key,
                Err(_) => {
                    let sentence = match only_crate {
                        Some(_) => "only `crate = path` can stand here".to_owned(),
                        None => format!("an option was expected here: one of {ALL}"),
                    };
                    errors.at(rest(input), sentence);
                    break;
                }
            };
            if seen.contains(&key) {
                errors.at(&key, format!("`{key}` is given twice; leave one of them"));
            }
            let before = errors.count();
            match only_crate {
                Some(attribute) if key != "crate" => errors.at(
                    &key,
                    format!(
                        "{attribute} takes no option `{key}`; only `crate = path` can stand here"
                    ),
                ),
                _ => one(&key, input, &mut options, errors),
            }
            seen.push(key);
            if errors.count() > before {
                skip_to_comma(input);
            }
            if input.is_empty() {
                break;
            }
            if input.parse::<Token![,]>().is_err() {
                let at = rest(input);
                errors.at(at, "options stand apart by commas, as in `nice = 5, daemon`");
            }
        }
        Ok(())
    };
    // The reader reports by itself and never fails.
    if let Err(error) = every.parse2(arguments) {
        errors.add(error);
    }
    options
}

fn one(key: &Ident, input: ParseStream<'_>, options: &mut Options, errors: &mut Errors) {
    let name = key.to_string();
    if name == "crate" {
        match crate_path(input) {
            Ok(path) => options.path = path.into(),
            Err(_) => errors.at(key, "`crate` wants a path, as in `crate = my_crate::offspring`"),
        }
        return;
    }
    let value = match value(input) {
        Ok(value) => value,
        Err(error) => return errors.add(error),
    };
    match setting(&name, key, value.as_ref()) {
        Ok(setting) => options.settings.push((key.clone(), setting)),
        Err(error) => errors.add(error),
    }
}

fn crate_path(input: ParseStream<'_>) -> syn::Result<syn::Path> {
    input.parse::<Token![=]>()?;
    input.call(syn::Path::parse_mod_style)
}

/// What follows `=`, if anything does.
fn value(input: ParseStream<'_>) -> syn::Result<Option<Expr>> {
    if !input.peek(Token![=]) {
        return Ok(None);
    }
    input.parse::<Token![=]>()?;
    input.parse().map(Some)
}

fn setting(name: &str, key: &Ident, value: Option<&Expr>) -> syn::Result<Setting> {
    Ok(match name {
        "name" => Setting::Name(title(key, value)?),
        "start" => Setting::Start(word(
            key,
            value,
            "`start` is one of \"forkserver\", \"fork\" and \"spawn\"",
            &[("forkserver", "ForkServer"), ("fork", "Fork"), ("spawn", "Spawn")],
        )?),
        "timeout" => Setting::TimeoutNanos(duration(key, value)?),
        "memory" => Setting::MemoryBytes(memory(key, value)?),
        "nice" => Setting::Nice(nice(key, value)?),
        "daemon" => Setting::Daemon(flag(key, value)?),
        "retry" => Setting::Retry(count(key, value, "retry = 3")?),
        "restart" => Setting::Restart(word(
            key,
            value,
            "`restart` is one of \"never\", \"on-failure\" and \"always\"",
            &[("never", "Never"), ("on-failure", "OnFailure"), ("always", "Always")],
        )?),
        "max_restarts" => Setting::MaxRestarts(count(key, value, "max_restarts = 5")?),
        "within" => Setting::WithinNanos(duration(key, value)?),
        "backoff" => {
            let (from, to) = backoff(key, value)?;
            Setting::BackoffNanos(from, to)
        }
        unknown => {
            let sentence = format!("there is no option `{unknown}`; the options are {ALL}");
            return Err(syn::Error::new_spanned(key, sentence));
        }
    })
}

fn title(key: &Ident, value: Option<&Expr>) -> syn::Result<LitStr> {
    let help = "`name` wants a text that `ps` can show, as in `name = \"mailer\"`";
    let text = text(value).filter(|text| {
        let text = text.value();
        !text.trim().is_empty() && !text.contains(char::is_control)
    });
    text.ok_or_else(|| wrong(key, value, help))
}

fn word(
    key: &Ident,
    value: Option<&Expr>,
    help: &str,
    words: &[(&str, &'static str)],
) -> syn::Result<&'static str> {
    let given = text(value).map(|text| text.value());
    let found = words.iter().find(|(word, _)| given.as_deref() == Some(word));
    found.map(|(_, variant)| *variant).ok_or_else(|| wrong(key, value, help))
}

fn duration(key: &Ident, value: Option<&Expr>) -> syn::Result<u64> {
    let help = format!(
        "`{key}` wants a duration in quotes, a number with ns, us, ms, s, m or h, as in \
         `{key} = \"5s\"`"
    );
    let nanoseconds = text(value).and_then(|text| units::nanoseconds(&text.value()));
    nanoseconds.ok_or_else(|| wrong(key, value, &help))
}

fn memory(key: &Ident, value: Option<&Expr>) -> syn::Result<u64> {
    let help = "`memory` wants a size in quotes, a number with KiB, MiB, GiB, kB, MB or GB, as in \
                `memory = \"512MiB\"`";
    let bytes = text(value).and_then(|text| units::bytes(&text.value()));
    bytes.ok_or_else(|| wrong(key, value, help))
}

fn backoff(key: &Ident, value: Option<&Expr>) -> syn::Result<(u64, u64)> {
    let help = "`backoff` wants the shortest and the longest pause, as in \
                `backoff = \"100ms..5s\"`";
    let ends = text(value).and_then(|text| units::range(&text.value()));
    ends.ok_or_else(|| wrong(key, value, help))
}

fn nice(key: &Ident, value: Option<&Expr>) -> syn::Result<i32> {
    let help = "`nice` wants a number from -20 (first served) to 19 (last), as in `nice = 5`";
    let number = integer(value).filter(|number| (-20..=19).contains(number));
    number.and_then(|number| i32::try_from(number).ok()).ok_or_else(|| wrong(key, value, help))
}

fn count(key: &Ident, value: Option<&Expr>, example: &str) -> syn::Result<u32> {
    let help = format!("`{key}` wants a whole number, as in `{example}`");
    let number = integer(value).and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| wrong(key, value, &help))
}

fn flag(key: &Ident, value: Option<&Expr>) -> syn::Result<bool> {
    match value {
        None => Ok(true),
        Some(Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. })) => Ok(flag.value),
        Some(_) => Err(wrong(key, value, "`daemon` stands alone, or as `daemon = true`")),
    }
}

fn text(value: Option<&Expr>) -> Option<LitStr> {
    match ungroup(value?) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}

fn integer(value: Option<&Expr>) -> Option<i64> {
    match ungroup(value?) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => {
            integer(Some(expr)).map(|number: i64| -number)
        }
        _ => None,
    }
}

/// A literal that came through a `macro_rules!` variable is wrapped in an invisible group.
fn ungroup(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => ungroup(&group.expr),
        other => other,
    }
}

/// The error at the value, or at the key when there is none.
fn wrong(key: &Ident, value: Option<&Expr>, help: &str) -> syn::Error {
    match value {
        Some(value) => syn::Error::new_spanned(value, help),
        None => syn::Error::new_spanned(key, help),
    }
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

/// Swallows what is left.
fn rest(input: ParseStream<'_>) -> TokenStream {
    input.parse().unwrap_or_default()
}
