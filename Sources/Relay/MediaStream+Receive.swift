import Elements
import RTP
import SRTP

/// A packet of a leg that was believed, plain and in its buffer.
struct Arrival {
  enum Kind: UInt8 {
    case rtp, rtcp, zrtp
    /// No RTP at all: T.38 over UDPTL.
    case opaque
  }

  let kind: Kind
  let length: Int
}

extension MediaStream {
  /// Judges a datagram and removes its protection; nil: dropped and counted.
  ///
  /// The order is the defence: address, flood, authentication, form, rate; and only then learning,
  /// counting and passing on (A37 to A40, A45).
  mutating func receive(
    _ buffer: inout MutableRawSpan, length: Int, isControl: Bool, from source: Endpoint,
    at now: Instant
  ) -> Arrival? {
    if isOpaque, !isControl { return receiveOpaque(length: length, from: source, at: now) }
    switch DatagramKind(of: buffer.bytes, length: length) {
    case .rtp where !isControl:
      return receiveRTP(&buffer, length: length, from: source, at: now)
    case .rtcp where isControl || rtcpMux:
      return receiveRTCP(&buffer, length: length, isControl: isControl, from: source, at: now)
    case .zrtp where !isControl:
      return receiveZRTP(length: length, from: source, at: now)
    case .rtp, .rtcp, .zrtp, .stun, .dtls, .other:
      counters.malformed &+= 1
      return nil
    }
  }

  private mutating func receiveRTP(
    _ buffer: inout MutableRawSpan, length: Int, from source: Endpoint, at now: Instant
  ) -> Arrival? {
    var judgement = latch.judge(source, at: now)
    if judgement == .stranger, inbound != nil, latch.mayMove(source) { judgement = .candidate }
    guard judgement != .stranger else {
      _ = isLate(source, at: now)
      counters.strangers &+= 1
      return nil
    }
    var length = length
    if let inbound {
      guard floodGuard.admit(at: now) else {
        counters.policed &+= 1
        return nil
      }
      do throws(SRTPError) {
        length = try inbound.unprotectRTP(&buffer, length: length)
      } catch {
        count(error)
        return nil
      }
    }
    // The payload may be the phones' own SRTP (ZRTP): its padding is not ours to judge.
    guard let header = RTPHeader(parsing: buffer.bytes, length: length, encrypted: true) else {
      counters.malformed &+= 1
      return nil
    }
    if judgement == .candidate,
      !isNegotiated(header.payloadType) || isLate(source, header.source, at: now)
    {
      counters.strangers &+= 1
      return nil
    }
    guard policer.admit(at: now) else {
      counters.policed &+= 1
      return nil
    }
    latch.follow(source, at: now)
    lastHeard = now
    let format = format(header.payloadType)
    let clockRate = format?.encoding == .telephoneEvent ? 0 : format?.clockRate ?? 0
    statistics.count(header, length: length, clockRate: clockRate, at: now)
    return Arrival(kind: .rtp, length: length)
  }

  private mutating func receiveRTCP(
    _ buffer: inout MutableRawSpan, length: Int, isControl: Bool, from source: Endpoint,
    at now: Instant
  ) -> Arrival? {
    guard isKnownControl(source, isControl: isControl, at: now),
      !isControl || source == controlLatch.current || !isLate(source, isControl: true, at: now)
    else {
      counters.strangers &+= 1
      return nil
    }
    var length = length
    if let inbound {
      guard floodGuard.admit(at: now) else {
        counters.policed &+= 1
        return nil
      }
      do throws(SRTPError) {
        length = try inbound.unprotectRTCP(&buffer, length: length)
      } catch {
        count(error)
        return nil
      }
    }
    guard isEndToEnd || RTCPPacket.isCompound(buffer.bytes, length: length) else {
      counters.malformed &+= 1
      return nil
    }
    guard !isControl || speaksForItself(buffer.bytes, length: length, from: source) else {
      counters.strangers &+= 1
      return nil
    }
    guard controlPolicer.admit(at: now) else {
      counters.policed &+= 1
      return nil
    }
    if isControl { controlLatch.follow(source, at: now) }
    lastHeard = now
    return Arrival(kind: .rtcp, length: length)
  }

  /// RTCP on its own port is learned like RTP, but from the address that RTP comes from.
  ///
  /// On a shared port it teaches nothing: only RTP can show a negotiated payload type.
  private func isKnownControl(_ source: Endpoint, isControl: Bool, at now: Instant) -> Bool {
    guard isControl else { return source == latch.current }
    if let media = latch.current, media.address != source.address, source != controlLatch.named {
      return false
    }
    return controlLatch.judge(source, at: now) != .stranger
      || (inbound != nil && controlLatch.mayMove(source))
  }

  /// Whether a report may teach where reports come from: its SSRC is that of the RTP (RFC 3550 §6).
  ///
  /// Nobody beside the phone knows it. The named endpoint, and who has the key, need not show it.
  private func speaksForItself(_ bytes: RawSpan, length: Int, from source: Endpoint) -> Bool {
    guard source != controlLatch.current, source != controlLatch.named, inbound == nil,
      let heard = statistics.source
    else { return true }
    return length >= 8 && bytes.big32(at: 4) == heard
  }

  /// ZRTP passes untouched between the phones, but only where both sides are in the clear for us.
  private mutating func receiveZRTP(
    length: Int, from source: Endpoint, at now: Instant
  ) -> Arrival? {
    guard inbound == nil, isBelieved(source, at: now) else {
      counters.strangers &+= 1
      return nil
    }
    guard policer.admit(at: now) else {
      counters.policed &+= 1
      return nil
    }
    return Arrival(kind: .zrtp, length: length)
  }

  /// Fax and the like: nothing to judge but the source and the rate.
  private mutating func receiveOpaque(
    length: Int, from source: Endpoint, at now: Instant
  ) -> Arrival? {
    guard isBelieved(source, at: now) else {
      counters.strangers &+= 1
      return nil
    }
    guard length > 0, policer.admit(at: now) else {
      counters.policed &+= 1
      return nil
    }
    latch.follow(source, at: now)
    lastHeard = now
    return Arrival(kind: .opaque, length: length)
  }

  private func isNegotiated(_ payloadType: UInt8) -> Bool {
    formats.isEmpty || formats.contains { $0.number == payloadType }
  }

  /// Whether to take what is no RTP and tells nothing of its source.
  private mutating func isBelieved(_ source: Endpoint, at now: Instant) -> Bool {
    switch latch.judge(source, at: now) {
    case .known: true
    case .candidate: !isLate(source, at: now)
    case .stranger: false
    }
  }

  /// Whether a source that we do not follow yet is of an earlier session on these ports.
  ///
  /// Who is late stays so for as long as it goes on. A key would tell them apart better.
  private mutating func isLate(
    _ remote: Endpoint, _ source: UInt32? = nil, isControl: Bool = false, at now: Instant
  ) -> Bool {
    guard !formers.isEmpty, inbound == nil else { return false }
    formers.removeAll { !$0.isRemembered(at: now, for: formerMemory) }
    let latch = isControl ? controlLatch : latch
    let late = formers.firstIndex {
      $0.sent(from: remote, source: source, isControl: isControl) && !$0.isClaimed(by: latch)
    }
    guard let late else { return false }
    formers[late].heard(at: now)
    return true
  }

  private mutating func count(_ error: SRTPError) {
    switch error {
    case .replayed: counters.replayed &+= 1
    case .malformed, .noRoom: counters.malformed &+= 1
    case .unauthentic, .tooManySources, .keyExpired, .refused: counters.unauthentic &+= 1
    }
  }

  /// Reads the leg's reports: round trip, and how it hears the source `heard` with this clock.
  mutating func readReports(
    _ bytes: RawSpan, length: Int, heard: UInt32?, clockRate: UInt32, at now: Instant
  ) {
    var offset = 0
    while offset < length, let packet = RTCPPacket(parsing: bytes, at: offset, length: length) {
      offset = packet.end
      for index in 0..<packet.count {
        guard let block = packet.block(index, in: bytes) else { break }
        meter.received(block, at: now)
        guard block.source == heard else { continue }
        reportedLoss = block.lossOf256
        if clockRate > 0 {
          let nanoseconds = UInt64(block.jitter) * 1_000_000_000 / UInt64(clockRate)
          reportedJitter = .nanoseconds(Int64(clamping: nanoseconds))
        }
      }
    }
  }

  /// Notes the sender reports that leave towards the leg, for the round trip.
  mutating func noteReports(_ bytes: RawSpan, length: Int, at now: Instant) {
    var offset = 0
    while offset < length, let packet = RTCPPacket(parsing: bytes, at: offset, length: length) {
      if let time = packet.middleNTP(in: bytes) { meter.sent(time, at: now) }
      offset = packet.end
    }
  }
}
