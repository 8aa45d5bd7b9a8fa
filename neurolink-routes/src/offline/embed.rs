use async_trait::async_trait;
use neurolink_core::Error;
use neurolink_core::engine::{Call, Embedder};

use super::digest::Digest;
use super::refusal::Refusal;

/// The model that turns text into vectors.
pub(crate) const MODEL: &str = "offline-embed";

/// Numbers in a vector.
const DIMENSION: usize = 256;

/// Vectors that tell equal texts from different ones and mean nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfflineEmbedder;

#[async_trait]
impl Embedder for OfflineEmbedder {
    fn default_model(&self) -> &str {
        MODEL
    }

    async fn embed(&self, texts: &[String], model: Option<&str>, _call: &Call) -> Result<Vec<Vec<f32>>, Error> {
        let mut refusal = Refusal::default();
        refusal.check("model", model, &[MODEL]);
        refusal.finish()?;
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

/// A vector of length one that the text alone decides; only exact operations, so that every platform gives the same bits.
fn vector(text: &str) -> Vec<f32> {
    // Two seeds make it as good as impossible that two texts share a vector.
    let [mut state, other] = [0, 0x5bd1_e995].map(|seed| {
        let mut digest = Digest::new(seed);
        digest.field(text);
        digest.value()
    });
    let numbers: Vec<f64> = (0..DIMENSION)
        .map(|index| {
            if index == DIMENSION / 2 {
                state ^= other;
            }
            spread(next(&mut state))
        })
        .collect();
    let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "a vector holds f32")]
    numbers.into_iter().map(|number| (number / length) as f32).collect()
}

/// The next number of a SplitMix64 sequence.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The upper bits as an odd multiple of 2^-31 between -1 and 1: never zero, exact in `f64`.
fn spread(bits: u64) -> f64 {
    let upper = u32::try_from(bits >> 33).unwrap_or_default();
    (f64::from(upper) + 0.5) / f64::from(1_u32 << 30) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_length_one_and_depends_on_the_text_alone() {
        let texts = ["", "a", "b", "ab", "a b", "Ähm", "\u{1f600}"];
        for (index, text) in texts.iter().enumerate() {
            let own = vector(text);
            assert_eq!(own.len(), DIMENSION);
            let length = own.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
            assert!((length - 1.0).abs() < 1e-6, "{length}");
            assert_eq!(own, vector(text));
            for other in &texts[..index] {
                let other = vector(other);
                let cosine: f32 = own.iter().zip(&other).map(|(a, b)| a * b).sum();
                assert!(cosine.abs() < 0.3, "{text}: {cosine}");
            }
        }
    }

    #[test]
    fn the_bits_are_the_same_everywhere() {
        // Worked out by another program.
        let bits: Vec<u32> = vector("hello").iter().take(3).map(|number| number.to_bits()).collect();
        assert_eq!(bits, [3_176_984_863, 3_180_554_693, 3_182_418_010]);
    }
}
