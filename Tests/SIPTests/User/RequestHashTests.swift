import Elements
import SIPSyntax
import Testing

@testable import SIP

@Suite struct RequestHashTests {
  /// Property: what is remembered of a URI is what would be computed, however many make each other forgotten.
  @Test(arguments: UInt64(1)...5)
  func sameAsComputed(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var hashes = RequestHashes()
    for _ in 0..<5_000 {
      let length = Int.random(in: 0...RequestHashes.longest + 8, using: &random)
      // Few that differ in one letter, of few lengths: many come again.
      var uri = [UInt8](repeating: 0x61, count: length / 16 * 16)
      if !uri.isEmpty, let place = uri.indices.randomElement(using: &random) { uri[place] = 0x62 }
      let algorithm = DigestAlgorithm.allCases.randomElement(using: &random) ?? .md5
      let computed = DigestResponse.requestHash(algorithm, method: .register, uri: uri.span)
      #expect(hashes.ofRegister(algorithm, uri: uri.span).bytes == computed.bytes)
    }
  }
}
