import Elements
import Net
import RTP
import SDP

/// The audio of one call: speaks one tone, hears what comes.
final class MediaPort {
  let socket: DatagramSocket
  /// Where to speak to; nil before the other side has said.
  private var remote: Endpoint?
  private var nextFrame = Instant.never
  private let voice: [UInt8]
  private let source: UInt32
  private var sequence: UInt16 = 0
  private var timestamp: UInt32 = 0
  /// One ear for each speaker: the server's tones come beside the voice of the other side.
  private var ears: [UInt32: Ear] = [:]

  private static let frame = Duration.milliseconds(20)
  private static let mostSpeakers = 4

  init(hertz: Int, dice: inout Dice) throws(SystemError) {
    socket = try DatagramSocket(bindingTo: Endpoint(.v4Loopback, 0), .media)
    voice = Voice.frame(hertz: hertz)
    source = UInt32(truncatingIfNeeded: dice.next())
  }

  /// The description of this side, as offer and as answer.
  var description: SessionDescription {
    SessionDescription(
      origin: Origin(id: UInt64(source), version: 0, address: .v4Loopback),
      media: [
        MediaDescription(
          .audio, port: socket.local.port,
          codecs: [Codec(payloadType: Voice.payloadType, name: "PCMA")], packetTimeMs: 20)
      ])
  }

  /// When the next frame is due.
  var deadline: Instant { nextFrame }

  /// Speaks to where the other side's description says; false if it has no place for A-law.
  func speak(to description: SessionDescription, at now: Instant) -> Bool {
    guard let first = description.media.first,
      first.payloadTypes.contains(Voice.payloadType),
      let endpoint = description.endpoint(of: 0)
    else { return false }
    remote = endpoint
    nextFrame = min(nextFrame, now)
    return true
  }

  /// Sends what is due.
  func turn(at now: Instant) {
    guard let remote, nextFrame <= now else { return }
    let packet = RTPHeader.packet(
      payloadType: Voice.payloadType, marker: sequence == 0, sequence: sequence,
      timestamp: timestamp, source: source, payload: voice)
    // A frame that the kernel does not take is lost, as on any network.
    _ = packet.withUnsafeBytes { socket.send($0, to: remote) }
    sequence &+= 1
    timestamp &+= UInt32(Voice.samplesPerFrame)
    // After a pause of the process it does not catch up: late speech is worth nothing.
    nextFrame = max(nextFrame + Self.frame, now)
  }

  /// The tone that a packet has made certain; nil for everything else.
  func hear(_ bytes: [UInt8]) -> Int? {
    guard let header = RTPHeader(parsing: bytes.span.bytes, length: bytes.count),
      header.payloadType == Voice.payloadType,
      ears[header.source] != nil || ears.count < Self.mostSpeakers
    else { return nil }
    return ears[header.source, default: Ear()].hear(bytes[header.payloadStart..<header.payloadEnd])
  }
}
