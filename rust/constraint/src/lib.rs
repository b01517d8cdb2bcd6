// SPDX-License-Identifier: MIT
//! C interface to llguidance: a vocabulary, grammars compiled against it, and matchers that follow one reply.
//!
//! Rules of the border: handles come from a function here and go back to its `_free`; every pointer is valid
//! for the call; a failed call writes its reason as text; nothing unwinds out of this crate. A vocabulary and a
//! matcher that is only cloned may be used by several threads, any other matcher by one at a time.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use llguidance::api::{ParserLimits, StopReason, TopLevelGrammar};
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};

/// Compiling recurses over the schema, so it gets a stack of its own: callers have small ones.
const COMPILE_STACK_BYTES: usize = 16 << 20;

/// Bounds of the work for one grammar, in units of llguidance: they keep a compilation below half a second
/// and 64 MiB, and one mask in the range of milliseconds, whatever a client sends.
const MAX_GRAMMAR_SYMBOLS: usize = 200_000;
const MAX_LEXER_STATES: usize = 50_000;
const COMPILE_LEXER_FUEL: u64 = 1_000_000;
const STEP_LEXER_FUEL: u64 = 100_000;
const STEP_ITEMS: usize = 20_000;

pub struct Vocabulary {
    factory: ParserFactory,
}

const fn assert_shareable<T: Send + Sync>() {}
const _: () = assert_shareable::<Vocabulary>();
const _: () = assert_shareable::<Matcher>();

/// Where a call writes text: at most `capacity` bytes at `data`; `size` is how many it wrote.
#[repr(C)]
pub struct Text {
    data: *mut u8,
    capacity: usize,
    size: usize,
}

fn write_text(text: &mut Text, message: &str) {
    let mut size = message.len().min(text.capacity);
    while !message.is_char_boundary(size) {
        size -= 1;
    }
    // SAFETY: the caller gives `capacity` writable bytes, and size <= capacity.
    unsafe { std::ptr::copy_nonoverlapping(message.as_ptr(), text.data, size) };
    text.size = size;
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(other) => other
            .downcast_ref::<&str>()
            .unwrap_or(&"unknown panic")
            .to_string(),
    }
}

/// Runs `call`; an error or a panic is written to `error` and gives `None`.
fn guarded<T>(error: &mut Text, call: impl FnOnce() -> Result<T, String>) -> Option<T> {
    let result =
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| Err(panic_message(payload)));
    match result {
        Ok(value) => Some(value),
        Err(message) => {
            write_text(error, &message);
            None
        }
    }
}

fn limits() -> ParserLimits {
    ParserLimits {
        initial_lexer_fuel: COMPILE_LEXER_FUEL,
        step_lexer_fuel: STEP_LEXER_FUEL,
        step_max_items: STEP_ITEMS,
        max_lexer_states: MAX_LEXER_STATES,
        max_grammar_size: MAX_GRAMMAR_SYMBOLS,
        verbose_errors: false,
        ..ParserLimits::default()
    }
}

fn make_vocabulary(words: &[Vec<u8>], eos: u32) -> Result<Vocabulary, String> {
    let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, eos), words);
    // Approximate: forced text may be tokenised in any way, the model chooses.
    let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
    let mut factory = ParserFactory::new_simple(&environment).map_err(|error| error.to_string())?;
    factory.quiet();
    *factory.limits_mut() = limits();
    Ok(Vocabulary { factory })
}

fn compile(vocabulary: &Vocabulary, lark: &str) -> Result<Box<Matcher>, String> {
    let parser = vocabulary
        .factory
        .create_parser(TopLevelGrammar::from_lark(lark.to_string()));
    let mut matcher = Matcher::new(parser);
    // A grammar that nothing fits is told by its first mask.
    match matcher.compute_mask_or_eos() {
        Ok(first) if !first.is_zero() => Ok(Box::new(matcher)),
        Err(error) if !is_dead_end(&error.to_string()) => Err(error.to_string()),
        _ => Err("nothing can satisfy it".to_string()),
    }
}

/// Whether a mask failed because no token fits.
fn is_dead_end(message: &str) -> bool {
    [StopReason::NoExtension, StopReason::NoExtensionBias]
        .iter()
        .any(|reason| message.starts_with(&reason.to_string()))
}

/// The vocabulary of `count` tokens: token i is the next `lengths[i]` bytes of `bytes`; an empty one can never
/// be chosen. Null on failure.
///
/// # Safety
/// `lengths` has `count` entries and `bytes` as many bytes as they add up to.
#[no_mangle]
pub unsafe extern "C" fn fathom_vocabulary_new(
    lengths: *const u32,
    bytes: *const u8,
    count: u32,
    eos: u32,
    error: &mut Text,
) -> *mut Vocabulary {
    let lengths = std::slice::from_raw_parts(lengths, count as usize);
    let total: usize = lengths.iter().map(|&length| length as usize).sum();
    let mut rest = std::slice::from_raw_parts(bytes, total);
    let made = guarded(error, || {
        let mut words = Vec::with_capacity(lengths.len());
        for &length in lengths {
            let (word, after) = rest.split_at(length as usize);
            words.push(word.to_vec());
            rest = after;
        }
        make_vocabulary(&words, eos)
    });
    made.map_or(std::ptr::null_mut(), |vocabulary| {
        Box::into_raw(Box::new(vocabulary))
    })
}

/// # Safety
/// `vocabulary` comes from `fathom_vocabulary_new`; no matcher is being compiled against it.
#[no_mangle]
pub unsafe extern "C" fn fathom_vocabulary_free(vocabulary: *mut Vocabulary) {
    drop(Box::from_raw(vocabulary));
}

/// A matcher at the start of the grammar given as Lark text (UTF-8, `size` bytes). Null on failure.
///
/// # Safety
/// `lark` has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn fathom_matcher_new(
    vocabulary: &Vocabulary,
    lark: *const u8,
    size: usize,
    error: &mut Text,
) -> *mut Matcher {
    let lark = std::slice::from_raw_parts(lark, size);
    let made = guarded(error, || {
        let lark = std::str::from_utf8(lark).map_err(|_| "the grammar is not UTF-8".to_string())?;
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(COMPILE_STACK_BYTES)
                .spawn_scoped(scope, || compile(vocabulary, lark))
                .map_err(|error| error.to_string())?
                .join()
                .unwrap_or_else(|payload| Err(panic_message(payload)))
        })
    });
    made.map_or(std::ptr::null_mut(), Box::into_raw)
}

/// A matcher in the same state that shares nothing with this one. Null on failure.
#[no_mangle]
pub extern "C" fn fathom_matcher_clone(matcher: &Matcher, error: &mut Text) -> *mut Matcher {
    guarded(error, || Ok(Box::new(matcher.deep_clone())))
        .map_or(std::ptr::null_mut(), Box::into_raw)
}

/// # Safety
/// `matcher` comes from a function here and is not used again.
#[no_mangle]
pub unsafe extern "C" fn fathom_matcher_free(matcher: *mut Matcher) {
    drop(Box::from_raw(matcher));
}

/// Sets the bits of the tokens that may come next in `words`, `count` of them, and clears the others; EOS when
/// the grammar has come to its end.
///
/// # Safety
/// `words` has `count` entries.
#[no_mangle]
pub unsafe extern "C" fn fathom_matcher_mask(
    matcher: &mut Matcher,
    words: *mut u32,
    count: usize,
    error: &mut Text,
) -> bool {
    let words = std::slice::from_raw_parts_mut(words, count);
    guarded(error, || {
        let mask = matcher
            .compute_mask_or_eos()
            .map_err(|error| error.to_string())?;
        let mask = mask.as_slice();
        let common = mask.len().min(words.len());
        words[..common].copy_from_slice(&mask[..common]);
        words[common..].fill(0);
        Ok(())
    })
    .is_some()
}

/// Takes the next token.
#[no_mangle]
pub extern "C" fn fathom_matcher_accept(
    matcher: &mut Matcher,
    token: u32,
    error: &mut Text,
) -> bool {
    guarded(error, || {
        matcher
            .consume_token(token)
            .map_err(|error| error.to_string())
    })
    .is_some()
}

/// Whether the grammar may end here.
#[no_mangle]
pub extern "C" fn fathom_matcher_may_end(matcher: &mut Matcher, error: &mut Text) -> bool {
    guarded(error, || {
        matcher.is_accepting().map_err(|error| error.to_string())
    })
    .unwrap_or(false)
}

/// Whether nothing may follow.
#[no_mangle]
pub extern "C" fn fathom_matcher_is_stopped(matcher: &Matcher) -> bool {
    matcher.is_stopped()
}
