//! Known digests (F50).

use bytes::Bytes;

use super::{pattern, tapped};
use crate::Algorithm;

/// What an algorithm gives. The first three are in the standards: FIPS 180-4 and RFC 1321 with their examples, and the
/// vectors of BLAKE3; the last two were made with OpenSSL, zlib, and the C implementations of BLAKE3 and XXH3.
struct Known {
    algorithm: Algorithm,
    empty: &'static str,
    abc: &'static str,
    million_of_a: &'static str,
    /// Of 102400 bytes of the pattern.
    long: &'static str,
    /// Of the digests of the first 0, 1, 2, … 1300 bytes of the pattern, one after the other: all lengths around the
    /// blocks of 64, 128, 256 and 1024 bytes.
    every_length: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        algorithm: Algorithm::Sha256,
        empty: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        abc: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        million_of_a: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        long: "74588b7f0bcc354ac14d9cf199fa3a20c05f0c7293b9075b2f2e146e718de800",
        every_length: "5d4cbf5dbf8e37e3938b263474d44e4d30ca46332d94d000da4bfe29f4f224cb",
    },
    Known {
        algorithm: Algorithm::Sha512,
        empty: "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f\
                63b931bd47417a81a538327af927da3e",
        abc: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd4\
              54d4423643ce80e2a9ac94fa54ca49f",
        million_of_a: "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce\
                       577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
        long: "2acda2d1386c8cd9ef01c797cfd154b073e7ea26e4c5741e9f2aee089dc8106cb887526d5bbb04920c2b742b2dab945e2\
               a8db4cd31f58ac945aec9df89b1f18d",
        every_length: "4457e28886fdb576a61062fa2cc20b60638f7716c87655e6f7a88240402305a0558e9af9312adb477c3871062\
                       8577c4618397126767cb00db0eff4a9c0143669",
    },
    #[cfg(feature = "blake3")]
    Known {
        algorithm: Algorithm::Blake3,
        empty: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        abc: "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        million_of_a: "616f575a1b58d4c9797d4217b9730ae5e6eb319d76edef6549b46f4efe31ff8b",
        long: "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
        every_length: "ae3e6648d11367396fc6d0825d88c14d64d6b7e31b87f9c34cfc9c9289b102dc",
    },
    #[cfg(feature = "sha1")]
    Known {
        algorithm: Algorithm::Sha1,
        empty: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        abc: "a9993e364706816aba3e25717850c26c9cd0d89d",
        million_of_a: "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
        long: "f18b928d893ae172a000efa19b80e1c04fb36414",
        every_length: "618a75c0b2a68de16a71b5e3cc0e321b2d9ef22f",
    },
    #[cfg(feature = "md5")]
    Known {
        algorithm: Algorithm::Md5,
        empty: "d41d8cd98f00b204e9800998ecf8427e",
        abc: "900150983cd24fb0d6963f7d28e17f72",
        million_of_a: "7707d6ae4e027c70eea2a935c2296f21",
        long: "1a0f81547e5ba2e9c4a4b94a74731993",
        every_length: "d091ec5a6c10328c9c2939a65ff2398c",
    },
    #[cfg(feature = "crc32")]
    Known {
        algorithm: Algorithm::Crc32,
        empty: "00000000",
        abc: "352441c2",
        million_of_a: "dc25bfbc",
        long: "5cc1ce13",
        every_length: "cc196e4f",
    },
    #[cfg(feature = "xxh3")]
    Known {
        algorithm: Algorithm::Xxh3,
        empty: "2d06800538d394c2",
        abc: "78af5f94892f3950",
        million_of_a: "b1fd6fae5285c4eb",
        long: "1428e17f1cac2837",
        every_length: "60e3bd72eabfb269",
    },
];

/// I59, F50.
#[test]
fn the_digests_are_those_of_the_standards() {
    for known in KNOWN {
        let of = |bytes: &[u8]| known.algorithm.digest(bytes).to_hex();
        assert_eq!(of(b""), known.empty, "{}", known.algorithm);
        assert_eq!(of(b"abc"), known.abc, "{}", known.algorithm);
        assert_eq!(of(&vec![b'a'; 1_000_000]), known.million_of_a, "{}", known.algorithm);
        assert_eq!(of(&pattern(102_400)), known.long, "{}", known.algorithm);
    }
}

#[test]
fn every_algorithm_is_in_the_table() {
    let known: Vec<Algorithm> = KNOWN.iter().map(|known| known.algorithm).collect();
    assert_eq!(known, Algorithm::ALL);
}

/// I59, F50: the edges of all blocks.
#[test]
fn every_length_is_right() {
    let input = Bytes::from(pattern(1300));
    for known in KNOWN {
        let mut all = Vec::new();
        for length in 0..=input.len() {
            all.extend_from_slice(tapped(known.algorithm, &[input.slice(..length)]).as_bytes());
        }
        let digest = tapped(known.algorithm, &[Bytes::from(all)]);
        assert_eq!(digest.to_hex(), known.every_length, "{}", known.algorithm);
    }
}

/// FIPS 180-4's longer examples, one and two blocks of SHA-256; RFC 1321, A.5; the check value of CRC-32.
#[test]
fn messages_of_the_standards() {
    let two = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    let four = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs\
                 mnopqrstnopqrstu";
    let hex = |algorithm: Algorithm, bytes: &[u8]| algorithm.digest(bytes).to_hex();
    assert_eq!(
        hex(Algorithm::Sha256, two),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    );
    assert_eq!(
        hex(Algorithm::Sha512, four),
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329\
         eeb6dd26545e96e55b874be909"
    );
    #[cfg(feature = "sha1")]
    assert_eq!(hex(Algorithm::Sha1, two), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    #[cfg(feature = "md5")]
    assert_eq!(hex(Algorithm::Md5, b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    #[cfg(feature = "crc32")]
    assert_eq!(hex(Algorithm::Crc32, b"123456789"), "cbf43926");
}

#[test]
fn only_those_that_withstand_attacks_are_said_to() {
    let sound = |algorithm: &&Algorithm| !algorithm.is_checksum_only();
    let sound: Vec<&str> = Algorithm::ALL.iter().filter(sound).map(|found| found.name()).collect();
    #[cfg(feature = "blake3")]
    assert_eq!(sound, ["sha256", "sha512", "blake3"]);
    #[cfg(not(feature = "blake3"))]
    assert_eq!(sound, ["sha256", "sha512"]);
}

/// F50: 513 MiB of zeros, which are more than 2³² bits. The others are too slow for it without optimization.
#[test]
fn more_bits_than_fit_into_32_bits() {
    let chunks = vec![Bytes::from(vec![0; 1 << 20]); 513];
    for (algorithm, digest) in [
        ("sha256", "a3e2acbb469e4e59dde406f912e754c933c1ac0fb0092a3634d61d5073309c0c"),
        (
            "sha512",
            "4ebb0834b14026bb6e37c7b667817c640a4a1154fc0b146232155207eb938cba7ee73377be756c777388668545711516\
             0386adf3d8fd395246c75fe5ba72250a",
        ),
        #[cfg(feature = "crc32")]
        ("crc32", "3e24f62e"),
    ] {
        assert_eq!(tapped(algorithm.parse().unwrap(), &chunks).to_hex(), digest, "{algorithm}");
    }
}
