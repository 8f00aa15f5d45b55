import Elements
import RTP

/// One datagram of a media port: its kind, its RTP header, the reports of its compound.
struct PacketSubject: Subject {
  static let name = "packet"
  static let mostBytes = 2048

  /// What was found in it.
  struct Outcome {
    let kind: DatagramKind
    let header: RTPHeader?
    let isCompound: Bool
  }

  func work(_ input: [UInt8]) -> Outcome {
    let bytes = input.span.bytes
    let kind = DatagramKind(of: bytes, length: input.count)
    return Outcome(
      kind: kind, header: RTPHeader(parsing: bytes, length: input.count),
      isCompound: RTCPPacket.isCompound(bytes, length: input.count))
  }

  func check(_ outcome: Outcome, of input: [UInt8]) {
    let bytes = input.span.bytes
    if let header = outcome.header {
      require(
        RTPHeader.fixedBytes <= header.payloadStart && header.payloadStart <= header.payloadEnd
          && header.payloadEnd <= input.count, "the payload is in the packet")
      _ = TelephoneEvent(parsing: bytes, header: header)?.key
      checkPlain(header, of: input)
      checkStatistics(header, of: input)
    }
    guard outcome.isCompound else { return }
    require(outcome.kind == .rtcp || input[1] < 192 || input[1] > 223, "a compound is RTCP")
    var (offset, packets) = (0, 0)
    while offset < input.count, packets < input.count {
      guard let packet = RTCPPacket(parsing: bytes, at: offset, length: input.count) else { break }
      _ = (packet.sender(in: bytes), packet.middleNTP(in: bytes))
      for index in 0..<packet.count { _ = packet.block(index, in: bytes) }
      (offset, packets) = (packet.end, packets + 1)
    }
    require(offset == input.count, "a compound is whole packets")
  }

  /// What we write of a packet is one.
  private func checkPlain(_ header: RTPHeader, of input: [UInt8]) {
    let packet = RTPHeader.packet(
      payloadType: header.payloadType, marker: header.marker, sequence: header.sequence,
      timestamp: header.timestamp, source: header.source,
      payload: input[header.payloadStart..<header.payloadEnd])
    let again = RTPHeader(parsing: packet.span.bytes, length: packet.count)
    require(again?.payloadBytes == header.payloadBytes, "the same payload")
    require(again?.sequence == header.sequence && again?.source == header.source, "the same packet")
  }

  /// Whatever the numbers say, the statistics count.
  private func checkStatistics(_ header: RTPHeader, of input: [UInt8]) {
    var statistics = ReceptionStatistics()
    var now = Instant.start + .seconds(1)
    for (index, byte) in input.prefix(64).enumerated() {
      let step = header.sequence &+ UInt16(byte) &* UInt16(truncatingIfNeeded: index)
      let packet = RTPHeader.packet(
        payloadType: header.payloadType, sequence: step,
        timestamp: header.timestamp &+ UInt32(byte) << 20,
        source: byte % 16 == 0 ? UInt32(byte) : header.source, payload: [])
      guard let next = RTPHeader(parsing: packet.span.bytes, length: packet.count) else { continue }
      statistics.count(
        next, length: packet.count, clockRate: byte % 8 == 0 ? 48_000 : 8_000, at: now)
      now = now + .milliseconds(Int64(byte))
    }
    require((0...1).contains(statistics.lossShare), "loss is a share")
    require(statistics.lost <= statistics.expected, "no more is lost than was expected")
    require(statistics.jitter >= .zero && statistics.meanJitter >= .zero, "jitter is a time")
    let score = VoiceQuality.meanOpinionScore(
      encoding: .pcma, lossShare: statistics.lossShare, jitter: statistics.jitter, roundTrip: nil)
    require((1...4.5).contains(score), "a score is one")
  }
}
