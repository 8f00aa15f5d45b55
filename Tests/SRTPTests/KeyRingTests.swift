import Elements
import SRTP
import Testing

/// Keys that take each other's place in one direction of a stream.
@Suite struct KeyRingTests {
  private func key(
    _ profile: ProtectionProfile, seed: UInt64, identifier: [UInt8] = []
  ) throws -> MasterKey {
    var dice = Dice.seeded(SplitMix(seed: seed))
    let random = MasterKey(random: profile, using: &dice)
    return try #require(
      MasterKey(profile: profile, material: random.material, identifier: identifier))
  }

  private func plain(_ sequence: UInt16, source: UInt8 = 7) -> [UInt8] {
    [0x80, 0, UInt8(sequence >> 8), UInt8(sequence & 255), 0, 0, 0, 1, 0, 0, 0, source]
      + [UInt8](repeating: 0xD5, count: 160)
  }

  private func run(
    _ packet: [UInt8], _ operation: (inout MutableRawSpan, Int) throws(SRTPError) -> Int
  ) throws(SRTPError) -> [UInt8] {
    var bytes = packet + [UInt8](repeating: 0, count: SRTPContext.maximumTrailer)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    let length = try operation(&raw, packet.count)
    return Array(bytes[..<length])
  }

  /// Brings a sender to the second turn of its sequence numbers; what it sealed.
  @discardableResult
  private func turn(_ sender: SRTPContext) throws -> [[UInt8]] {
    try [0, 20_000, 40_000, 60_000, 65_535, 9].map { try run(plain($0), sender.protectRTP) }
  }

  @Test(
    "RFC 3711 §3.3.1, RFC 4568 §7.1.4: with a new key the counter of a source goes on, or begins anew",
    arguments: ProtectionProfile.allCases, [true, false])
  func rollover(profile: ProtectionProfile, goesOn: Bool) throws {
    let keys = try (1...4).map { try key(profile, seed: $0) }
    var ring = KeyRing(.inbound)
    _ = try ring.turn(to: keys[0])
    let first = try #require(ring.current)
    for packet in try turn(SRTPContext(keys[0], .outbound)) {
      _ = try run(packet, first.unprotectRTP)
    }
    // Under the second key nothing was heard of it.
    _ = try ring.turn(to: keys[1])
    _ = try ring.turn(to: keys[2])
    let third = try #require(ring.current)
    let sender = try SRTPContext(keys[2], .outbound)
    if goesOn { try turn(sender) }
    let stranger = try SRTPContext(keys[3], .outbound)
    let forged = try run(plain(10), stranger.protectRTP)
    for sequence in 10..<UInt16(20) {
      #expect(throws: SRTPError.unauthentic) {
        try run(sequence == 10 ? forged : forged.replacing(3, with: 200), third.unprotectRTP)
      }
      let packet = try run(plain(sequence), sender.protectRTP)
      #expect(try run(packet, third.unprotectRTP) == plain(sequence))
      #expect(throws: SRTPError.replayed) { try run(packet, third.unprotectRTP) }
    }
    // A source that was never heard begins at zero.
    let other = try run(plain(5, source: 8), sender.protectRTP)
    #expect(try run(other, third.unprotectRTP) == plain(5, source: 8))
  }

  @Test("A40, RFC 3711 §9.1: a key that comes back protects no number twice, and takes none twice")
  func returning() throws {
    let long = try key(.aes128CMSHA1Tag80, seed: 1)
    let short = try #require(MasterKey(profile: .aes128CMSHA1Tag32, material: long.material))
    let named = try key(.aes128CMSHA1Tag80, seed: 1, identifier: [1])
    let other = try key(.aes128CMSHA1Tag80, seed: 2)
    var (sending, receiving) = (KeyRing(.outbound), KeyRing(.inbound))
    _ = try (sending.turn(to: long), receiving.turn(to: long))
    let packet = try run(plain(5), try #require(sending.current).protectRTP)
    _ = try run(packet, try #require(receiving.current).unprotectRTP)
    for key in [other, long, nil, long, short, named, other, named, long] {
      _ = try (sending.turn(to: key), receiving.turn(to: key))
      #expect(sending.current?.key == key && receiving.current?.key == key)
      guard let key, key != other, let out = sending.current, let into = receiving.current
      else { continue }
      #expect(throws: SRTPError.replayed) { try run(plain(5), out.protectRTP) }
      let again = try run(plain(5), SRTPContext(key, .outbound).protectRTP)
      #expect(throws: SRTPError.replayed) { try run(again, into.unprotectRTP) }
    }
    let next = try run(plain(6), try #require(sending.current).protectRTP)
    #expect(try run(next, try #require(receiving.current).unprotectRTP) == plain(6))
  }

  @Test("It says when a key takes the place of others, and remembers a bounded number of them")
  func bound() throws {
    var ring = KeyRing(.outbound)
    let keys = try (0...KeyRing.size).map { try key(.aeadAES128GCM, seed: UInt64($0)) }
    #expect(try keys.map { try ring.turn(to: $0) } == [false] + keys.dropFirst().map { _ in true })
    #expect(try !ring.turn(to: keys.last) && !ring.turn(to: nil) && !ring.turn(to: keys[1]))
    #expect(try ring.turn(to: keys[0]))
  }
}

extension [UInt8] {
  fileprivate func replacing(_ place: Int, with byte: UInt8) -> [UInt8] {
    var copy = self
    copy[place] = byte
    return copy
  }
}
