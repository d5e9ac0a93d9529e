use super::*;
use crate::reservation::Budget;
use std::io::Write;

const ALL: &[Coding] = &[
    Coding::Gzip,
    Coding::Deflate,
    #[cfg(feature = "zstd")]
    Coding::Zstd,
];

fn encode(coding: Coding, pieces: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let level = flate2::Compression::default();
    match coding {
        Coding::Identity => pieces.flatten().collect(),
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            pieces.for_each(|piece| encoder.write_all(&piece).unwrap());
            encoder.finish().unwrap()
        }
        Coding::Deflate => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            pieces.for_each(|piece| encoder.write_all(&piece).unwrap());
            encoder.finish().unwrap()
        }
        #[cfg(feature = "zstd")]
        Coding::Zstd => {
            let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            pieces.for_each(|piece| encoder.write_all(&piece).unwrap());
            encoder.finish().unwrap()
        }
    }
}

/// As many zeros, in a thousandth of the bytes.
fn bomb(coding: Coding, bytes: usize) -> Vec<u8> {
    encode(coding, (0..bytes >> 16).map(|_| vec![0; 1 << 16]))
}

// O-054, O-065: whatever is behind the limit is not even set aside.
#[test]
fn a_bomb_never_takes_more_than_two_buffers_of_the_limit() {
    for coding in ALL {
        let (limit, zipped) = (1 << 20, bomb(*coding, 64 << 20));
        assert!(zipped.len() < limit / 2, "{coding:?}: {}", zipped.len());
        let budget = Budget::new(2 * limit);
        let refusal = coding.decode(limit, &zipped, &mut budget.reserve()).unwrap_err();
        assert!(refusal.cause().contains("when decompressed"), "{refusal:?}");
        assert!(matches!(refusal, Refusal::TooLarge(_)));
        assert_eq!(coding.decode(limit, &bomb(*coding, limit), &mut budget.reserve()).unwrap().len(), limit);
    }
}

#[test]
fn what_is_decompressed_is_set_aside_and_refused_before_it_is_there() {
    for coding in ALL {
        let budget = Budget::new(1 << 20);
        let mut held = budget.reserve();
        let zipped = bomb(*coding, 1 << 18);
        let bytes = coding.decode(1 << 18, &zipped, &mut held).unwrap();
        let mut rest = budget.reserve();
        assert!(rest.grow((1 << 20) - bytes.capacity() + 1).is_err());
        assert_eq!(rest.grow((1 << 20) - bytes.capacity()), Ok(()));
        let refusal = coding.decode(1 << 18, &zipped, &mut budget.reserve());
        assert!(matches!(refusal, Err(Refusal::Busy(_))));
    }
}

// O-065
#[test]
fn every_cut_is_malformed_and_so_is_what_stands_behind_the_end() {
    let text: Vec<u8> = (0..40_000_u32).flat_map(u32::to_le_bytes).collect();
    let budget = Budget::new(1 << 24);
    for coding in ALL {
        let whole = encode(*coding, text.chunks(1000).map(<[u8]>::to_vec));
        let decode = |body: &[u8]| coding.decode(1 << 20, body, &mut budget.reserve());
        assert_eq!(decode(&whole).unwrap(), text);
        let cuts = (1..40).chain((40..whole.len()).step_by(997)).chain(whole.len() - 20..whole.len());
        for cut in cuts {
            let refusal = decode(&whole[..cut]);
            assert!(matches!(refusal, Err(Refusal::Malformed(_))), "{coding:?}, {cut}: {refusal:?}");
        }
        for more in [&b"x"[..], b"more"] {
            let refusal = decode(&[&whole[..], more].concat());
            assert!(matches!(refusal, Err(Refusal::Malformed(_))), "{coding:?}: {refusal:?}");
        }
        assert!(decode(b"neither of them").is_err());
    }
}

#[cfg(feature = "zstd")]
#[test]
fn a_window_that_is_larger_than_a_decoder_must_have_is_refused() {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(b"little").unwrap();
    let body = encoder.finish().unwrap();
    let budget = Budget::new(1 << 24);
    let refusal = Coding::Zstd.decode(1 << 20, &body, &mut budget.reserve()).unwrap_err();
    assert!(matches!(refusal, Refusal::Malformed(_)), "{refusal:?}");
}
