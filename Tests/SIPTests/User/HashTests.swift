import Elements
import TestKit
import Testing

@testable import SIP

@Suite struct HashTests {
  @Test("SipHash-2-4-128 gives the first names of its reference implementation")
  func sipHash() {
    let key = FingerprintKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
    let expected: [[UInt8]] = [
      [
        0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
        0x93,
      ],
      [
        0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
        0x45,
      ],
      [
        0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3, 0x8b, 0xde, 0xf6, 0x0a, 0xff,
        0xe4,
      ],
    ]
    for (length, bytes) in expected.enumerated() {
      var absorber = key.absorber()
      let input = (0..<UInt8(length)).map { $0 }
      absorber.absorb(raw: input.span)
      let name = absorber.finish()
      let words = [name.low, name.high].flatMap { word in
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) }
      }
      #expect(words == bytes)
    }
  }

  @Test("A name does not depend on how its bytes are handed over")
  func pieces() {
    let key = FingerprintKey(1, 2)
    let bytes = (0..<61).map { UInt8($0) }
    var whole = key.absorber()
    whole.absorb(raw: bytes.span)
    let expected = whole.finish()
    for cut in 0...bytes.count {
      var parts = key.absorber()
      let front = Array(bytes[..<cut])
      parts.absorb(raw: front.span)
      for byte in bytes[cut...] { parts.absorb(byte) }
      #expect(parts.finish() == expected)
    }
  }

  @Test("Numbers are eight bytes, wherever they stand")
  func numbers() {
    let key = FingerprintKey(5, 6)
    for lead in 0..<9 {
      var (one, eight) = (key.absorber(), key.absorber())
      for byte in 0..<UInt8(lead) {
        one.absorb(byte)
        eight.absorb(byte)
      }
      one.absorb(UInt64(0x0807_0605_0403_0201))
      for byte in UInt8(1)...8 { eight.absorb(byte) }
      one.absorb(UInt8(9))
      eight.absorb(UInt8(9))
      #expect(one.finish() == eight.finish())
    }
  }

  @Test("Parts do not run into each other, and host names have no case")
  func parts() {
    func name(_ parts: [String]) -> Fingerprint {
      var absorber = FingerprintKey(3, 4).absorber()
      for part in parts {
        let bytes = Array(part.utf8)
        absorber.absorb(part: bytes.span)
      }
      return absorber.finish()
    }
    #expect(name(["ab", "c"]) != name(["a", "bc"]))
    #expect(name(["", "a"]) != name(["a", ""]))
    var (lower, upper) = (FingerprintKey(3, 4).absorber(), FingerprintKey(3, 4).absorber())
    let (small, large) = (Array("client.atlanta:5060".utf8), Array("Client.ATLANTA:5060".utf8))
    lower.absorb(lowercased: small.span)
    upper.absorb(lowercased: large.span)
    #expect(lower.finish() == upper.finish())
  }

  @Test("Letters of ASCII and nothing else lose their case", arguments: UInt8.min...UInt8.max)
  func folding(byte: UInt8) {
    let isCapital = (65...90).contains(byte)
    for place in 0..<17 {
      var (bytes, expected) = ([UInt8](repeating: 0x5B, count: 17), FingerprintKey(7, 8).absorber())
      bytes[place] = byte
      var folded = FingerprintKey(7, 8).absorber()
      folded.absorb(lowercased: bytes.span)
      if isCapital { bytes[place] = byte + 32 }
      expected.absorb(part: bytes.span)
      #expect(folded.finish() == expected.finish())
    }
  }

  @Test("One secret makes another key for each purpose")
  func purposes() {
    func name(_ secret: String, _ purpose: StaticString) -> Fingerprint {
      FingerprintKey(Secret(secret), purpose: purpose).absorber().finish()
    }
    let names = [name("a", "x"), name("a", "y"), name("b", "x")]
    #expect(Set(names).count == 3)
    #expect(name("a", "x") == names[0])
  }

  @Test("Hexadecimal letters are those of the standard library, in any number")
  func hexadecimal() {
    var dice = SplitMix(seed: 3)
    for number in [0, .max, 0x0123_4567_89AB_CDEF] + (0..<200).map({ _ in dice.next() }) {
      let digits = String(number, radix: 16)
      let all = String(repeating: "0", count: 16 - digits.utf8.count) + digits
      for length in 1...16 {
        var letters: [UInt8] = [0x2E]
        letters.append(hexadecimal: number, digits: length)
        #expect(letters == Array(".\(all.suffix(length))".utf8))
      }
    }
  }

  @Test("Eight hexadecimal letters of either case are a number, and no others are")
  func hexadecimalNumber() {
    var dice = SplitMix(seed: 4)
    func read(_ letters: [UInt8]) -> UInt32? {
      number(ofHexadecimalLetters: letters.span.characters(at: 0))
    }
    for number in [0, .max, 0x0123_4567, 0x89AB_CDEF] + (0..<200).map({ _ in dice.next() }) {
      let number = UInt32(truncatingIfNeeded: number)
      let digits = String(number, radix: 16)
      let letters = String(repeating: "0", count: 8 - digits.utf8.count) + digits
      #expect(read(Array(letters.utf8)) == number)
      #expect(read(Array(letters.uppercased().utf8)) == number)
    }
    let hexadecimal = Set("0123456789abcdefABCDEF".utf8)
    for place in 0..<8 {
      for byte in UInt8.min...UInt8.max {
        var letters = Array("0fA9bC7d".utf8)
        letters[place] = byte
        #expect((read(letters) != nil) == hexadecimal.contains(byte))
      }
    }
  }

  @Test("RFC 4648 §5: 48 bits in eight letters, and back")
  func base64() {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var dice = SplitMix(seed: 5)
    let last: UInt64 = 0xFFFF_FFFF_FFFF
    let numbers: [UInt64] = [0, last] + (0..<500).map { _ in dice.next() & last }
    for number in numbers {
      let letters = Base64URL.letters(of: number)
      for place in 0..<8 {
        let value = Int(number >> UInt64(42 - 6 * place) & 63)
        #expect(UInt8(truncatingIfNeeded: letters >> UInt64(8 * place)) == alphabet[value])
      }
      #expect(Base64URL.bits(of: letters) == number)
    }
  }

  @Test("RFC 4648 §5: one byte that is no letter of the alphabet spoils all eight")
  func foreignLetters() {
    let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    for place in 0..<8 {
      for byte in UInt8.min...UInt8.max {
        var letters = Array("-_09AZaz".utf8)
        letters[place] = byte
        let bits = Base64URL.bits(of: letters.span.characters(at: 0))
        #expect((bits != nil) == alphabet.contains(byte))
      }
    }
  }
}
