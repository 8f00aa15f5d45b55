import Elements
import SRTP
import TestKit
import Testing

/// A receive buffer as the lanes have it: aligned, with room behind the packet.
private struct Buffer {
  private var words: [UInt64]
  private(set) var length: Int

  init(_ packet: [UInt8]) {
    (words, length) = ([UInt64](repeating: 0, count: 256), packet.count)
    words.withUnsafeMutableBytes { $0.copyBytes(from: packet) }
  }

  var bytes: [UInt8] { words.withUnsafeBytes { Array($0[..<length]) } }

  /// Runs one operation on the packet in place.
  mutating func run(
    _ operation: (inout MutableRawSpan, Int) throws(SRTPError) -> Int
  ) throws(SRTPError) {
    let before = length
    var all = words.mutableSpan
    var span = all.mutableBytes
    let after = try operation(&span, before)
    length = after
  }
}

/// The arrays of the libSRTP tests by function and name.
private enum Vectors {
  static func load() throws -> [String: [UInt8]] {
    var arrays: [String: [UInt8]] = [:]
    for fields in try Fixtures.table("srtp/libsrtp-arrays.tsv") {
      let digits = Array(fields[4].utf8)
      arrays["\(fields[1]).\(fields[2])"] = stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16) ?? 0
      }
    }
    return arrays
  }
}

@Suite struct SRTPContextTests {
  private func key(
    _ profile: ProtectionProfile, seed: UInt64 = 1, identifier: [UInt8] = []
  ) throws -> MasterKey {
    var dice = Dice.seeded(SplitMix(seed: seed))
    let random = MasterKey(random: profile, using: &dice)
    return try #require(
      MasterKey(profile: profile, material: random.material, identifier: identifier))
  }

  private func rtp(_ sequence: UInt16, source: UInt32 = 7, payload: Int = 160) -> [UInt8] {
    [0x80, 0, UInt8(sequence >> 8), UInt8(sequence & 255), 0, 0, 0, 1, 0, 0, 0, UInt8(source)]
      + [UInt8](repeating: 0xD5, count: payload)
  }

  private let rtcp: [UInt8] =
    [0x80, 200, 0, 6] + [UInt8](repeating: 1, count: 24)

  struct Case: Sendable {
    let function: String
    let profile: ProtectionProfile
    let key: String
    let keyBytes: Int
    let identifier: String?
  }

  @Test(
    "RFC 3711, 6188, 7714: the packets of the libSRTP tests, both ways",
    arguments: [
      Case(
        function: "srtp_validate", profile: .aes128CMSHA1Tag80,
        key: "srtp_test_roc_mismatch.test_key", keyBytes: 30, identifier: nil),
      Case(
        function: "srtp_validate_mki", profile: .aes128CMSHA1Tag80,
        key: "srtp_test_roc_mismatch.test_key", keyBytes: 30,
        identifier: "srtp_test_roc_mismatch.test_mki_id"),
      Case(
        function: "srtp_validate_gcm", profile: .aeadAES128GCM,
        key: "srtp_test_roc_mismatch.test_key_gcm", keyBytes: 28, identifier: nil),
      Case(
        function: "srtp_validate_aes_256", profile: .aes256CMSHA1Tag80,
        key: "srtp_validate_aes_256.aes_256_test_key", keyBytes: 46, identifier: nil),
    ])
  func vectors(test: Case) throws {
    let arrays = try Vectors.load()
    let material = try #require(arrays[test.key])[..<test.keyBytes]
    let key = try #require(
      MasterKey(
        profile: test.profile, material: Secret(Array(material)),
        identifier: test.identifier.flatMap { arrays[$0] } ?? []))
    let (sender, receiver) = (
      try SRTPContext(key, .outbound), try SRTPContext(key, .inbound)
    )
    let plain = try #require(
      arrays["\(test.function).srtp_plaintext_ref"] ?? arrays["\(test.function).rtp_plaintext_ref"])
    let protected = try #require(arrays["\(test.function).srtp_ciphertext"])
    var buffer = Buffer(plain)
    try buffer.run(sender.protectRTP)
    #expect(buffer.bytes == protected)
    try buffer.run(receiver.unprotectRTP)
    #expect(buffer.bytes == plain)

    guard let report = arrays["\(test.function).rtcp_plaintext_ref"],
      let protectedReport = arrays["\(test.function).srtcp_ciphertext"]
    else { return }
    buffer = Buffer(report)
    try buffer.run(sender.protectRTCP)
    #expect(buffer.bytes == protectedReport)
    try buffer.run(receiver.unprotectRTCP)
    #expect(buffer.bytes == report)
  }

  @Test("RFC 3711 §3.3.2: a replayed packet is refused", arguments: ProtectionProfile.allCases)
  func replay(profile: ProtectionProfile) throws {
    let key = try key(profile)
    let (sender, receiver) = (try SRTPContext(key, .outbound), try SRTPContext(key, .inbound))
    var (packet, report) = (Buffer(rtp(10)), Buffer(rtcp))
    try packet.run(sender.protectRTP)
    try report.run(sender.protectRTCP)
    var (again, reportAgain) = (packet, report)
    try packet.run(receiver.unprotectRTP)
    try report.run(receiver.unprotectRTCP)
    #expect(throws: SRTPError.replayed) { try again.run(receiver.unprotectRTP) }
    #expect(throws: SRTPError.replayed) { try reportAgain.run(receiver.unprotectRTCP) }
  }

  @Test("A40: any flipped bit is noticed, and the stream goes on", arguments: UInt64(1)...25)
  func tampering(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let profile = try #require(ProtectionProfile.allCases.randomElement(using: &random))
    let identifier: [UInt8] = Bool.random(using: &random) ? [] : [1, 2, 3, 4]
    let key = try key(profile, seed: seed, identifier: identifier)
    let (sender, receiver) = (try SRTPContext(key, .outbound), try SRTPContext(key, .inbound))
    for sequence in 0..<UInt16(40) {
      var packet = Buffer(rtp(sequence, payload: Int.random(in: 0...200, using: &random)))
      let plain = packet.bytes
      try packet.run(sender.protectRTP)
      var damaged = packet.bytes
      // The first byte frames the packet and is judged before the tag.
      damaged[Int.random(in: 1..<damaged.count, using: &random)] ^=
        1 << UInt8.random(in: 0...7, using: &random)
      var forged = Buffer(damaged)
      // A damaged sequence number may look like an old packet before it looks like a forged one.
      let error = #expect(throws: SRTPError.self) { try forged.run(receiver.unprotectRTP) }
      #expect(error == .unauthentic || error == .replayed)
      try packet.run(receiver.unprotectRTP)
      #expect(packet.bytes == plain)
    }
  }

  @Test("The rollover counter follows a wrap of the sequence numbers, with loss")
  func rollover() throws {
    let key = try key(.aeadAES256GCM)
    let (sender, receiver) = (try SRTPContext(key, .outbound), try SRTPContext(key, .inbound))
    for index in stride(from: 65_000, through: 131_500, by: 50) {
      let plain = rtp(UInt16(index & 0xFFFF))
      var packet = Buffer(plain)
      try packet.run(sender.protectRTP)
      if index % 150 == 0 { continue }  // Lost.
      try packet.run(receiver.unprotectRTP)
      #expect(packet.bytes == plain)
    }
  }

  @Test("A sequence number is never protected twice (keystream reuse)")
  func keystream() throws {
    let sender = try SRTPContext(try key(.aeadAES128GCM), .outbound)
    var (first, second) = (Buffer(rtp(5)), Buffer(rtp(5)))
    try first.run(sender.protectRTP)
    #expect(throws: SRTPError.replayed) { try second.run(sender.protectRTP) }
  }

  @Test("The sources of one key are bounded, in both directions")
  func sources() throws {
    let key = try key(.aes128CMSHA1Tag32)
    let (sender, receiver) = (try SRTPContext(key, .outbound), try SRTPContext(key, .inbound))
    let other = try SRTPContext(key, .outbound)
    for source in 0..<UInt32(SRTPContext.maximumSources) {
      var packet = Buffer(rtp(1, source: source))
      try packet.run(sender.protectRTP)
      try packet.run(receiver.unprotectRTP)
    }
    var packet = Buffer(rtp(1, source: 200))
    #expect(throws: SRTPError.tooManySources) { try packet.run(sender.protectRTP) }
    try packet.run(other.protectRTP)
    #expect(throws: SRTPError.tooManySources) { try packet.run(receiver.unprotectRTP) }
  }

  @Test("A40: packets without the key do not take up sources")
  func strangersLeaveNoSource() throws {
    let receiver = try SRTPContext(try key(.aes128CMSHA1Tag80), .inbound)
    let stranger = try SRTPContext(try key(.aes128CMSHA1Tag80, seed: 2), .outbound)
    for source in 0..<UInt32(60) {
      var packet = Buffer(rtp(1, source: source))
      try packet.run(stranger.protectRTP)
      #expect(throws: SRTPError.unauthentic) { try packet.run(receiver.unprotectRTP) }
    }
    let friend = try SRTPContext(try key(.aes128CMSHA1Tag80), .outbound)
    for source in 100..<UInt32(160) {
      var packet = Buffer(rtp(1, source: source))
      try packet.run(friend.protectRTP)
      try packet.run(receiver.unprotectRTP)
    }
  }

  @Test("Short, broken and overlong packets are errors, never traps", arguments: UInt64(1)...20)
  func noise(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let profile = try #require(ProtectionProfile.allCases.randomElement(using: &random))
    let receiver = try SRTPContext(try key(profile, identifier: seed % 2 == 0 ? [9] : []), .inbound)
    let sender = try SRTPContext(try key(profile), .outbound)
    for _ in 0..<300 {
      let bytes = (0..<Int.random(in: 0...80, using: &random)).map { index in
        index == 0
          ? 0x80 | UInt8.random(in: 0...63, using: &random)
          : UInt8.random(in: .min ... .max, using: &random)
      }
      var buffer = Buffer(bytes)
      #expect(throws: SRTPError.self) { try buffer.run(receiver.unprotectRTP) }
      buffer = Buffer(bytes)
      #expect(throws: SRTPError.self) { try buffer.run(receiver.unprotectRTCP) }
      buffer = Buffer(bytes)
      try? buffer.run(sender.protectRTP)
    }
    var full = Buffer(rtp(1, payload: 2030))
    #expect(throws: SRTPError.noRoom) { try full.run(sender.protectRTP) }
  }
}
