//! `OTEL_TRACES_SAMPLER` and its argument.

use opentelemetry_sdk::trace::Sampler;

use super::Environment;

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

pub(super) fn read(env: &mut Environment<'_>) -> Option<Sampler> {
    let word = env.text(SAMPLER)?;
    let root = match word.to_ascii_lowercase().as_str() {
        "always_on" => return Some(Sampler::AlwaysOn),
        "always_off" => return Some(Sampler::AlwaysOff),
        "traceidratio" => return Some(Sampler::TraceIdRatioBased(ratio(env))),
        "parentbased_always_on" => Sampler::AlwaysOn,
        "parentbased_always_off" => Sampler::AlwaysOff,
        "parentbased_traceidratio" => Sampler::TraceIdRatioBased(ratio(env)),
        _ => {
            env.warn(
                SAMPLER,
                &word,
                "`always_on`, `always_off`, `traceidratio`, or one of these after `parentbased_`",
            );
            return None;
        }
    };
    Some(Sampler::ParentBased(Box::new(root)))
}

/// The share of traces that are sampled; all of them where nothing usable is said.
fn ratio(env: &mut Environment<'_>) -> f64 {
    let Some(text) = env.text(ARGUMENT) else {
        return 1.0;
    };
    match text.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
        _ => {
            env.warn(ARGUMENT, &text, "a number between 0.0 and 1.0");
            1.0
        }
    }
}
