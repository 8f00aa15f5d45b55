import Elements
import RTP
import Testing

@Suite struct VoiceTests {
  private func isNear(_ left: Double, _ right: Double) -> Bool { abs(left - right) < 0.01 }

  @Test(
    "ITU-T G.107 Annex B: scores of well-known ratings",
    arguments: [
      (93.2, 4.41), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1), (120, 4.5),
      (3, 1),
    ])
  func scores(rating: Double, score: Double) {
    #expect(isNear(VoiceQuality.meanOpinionScore(rating: rating), score))
  }

  @Test("ITU-T G.107 §3.5: ratings by hand")
  func ratings() {
    let rating = VoiceQuality.rating
    #expect(isNear(rating(.pcma, 0, .zero), 93.2))
    #expect(isNear(rating(.pcma, 0, .milliseconds(100)), 93.2 - 2.4))
    #expect(isNear(rating(.pcma, 0, .milliseconds(277)), 93.2 - 6.648 - 0.11 * 99.7))
    #expect(isNear(rating(.pcma, 0.01, .zero), 93.2 - 95 / 26.1))
    #expect(isNear(rating(.g729, 0, .zero), 82.2))
    #expect(isNear(rating(.g729, 0.02, .zero), 93.2 - 11 - 84 * 2 / 21))
    #expect(rating(.pcmu, 1, .seconds(20)) == 0)
  }

  @Test("More loss, more jitter and more delay never sound better", arguments: UInt64(1)...30)
  func monotone(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let encoding = try #require(PayloadFormat.Encoding.allCases.randomElement(using: &random))
    var (loss, jitter, trip) = (0.0, 0, 0)
    var last = 4.5
    for _ in 0..<20 {
      let score = VoiceQuality.meanOpinionScore(
        encoding: encoding, lossShare: loss, jitter: .milliseconds(jitter),
        roundTrip: .milliseconds(trip))
      #expect(score <= last && score >= 1)
      last = score
      loss += Double.random(in: 0...0.1, using: &random)
      jitter += Int.random(in: 0...30, using: &random)
      trip += Int.random(in: 0...200, using: &random)
    }
  }

  @Test("RFC 4733 §2.3, §2.5.1: a key is told once, however many packets speak of it")
  func keys() throws {
    var recognizer = KeyRecognizer()
    var keys = ""
    func feed(_ code: UInt8, _ timestamp: UInt32, end: Bool = false) throws {
      let packet = RTPHeader.packet(
        payloadType: 101, sequence: 1, timestamp: timestamp, source: 1,
        payload: [code, end ? 0x8A : 0x0A, 0x01, 0x40])
      let header = try #require(RTPHeader(packet))
      let event = try #require(TelephoneEvent(packet, header))
      #expect(event.duration == 320 && event.volume == 10 && event.isEnd == end)
      if let key = recognizer.recognize(event, timestamp: timestamp) { keys.append(key) }
    }
    for _ in 0..<5 { try feed(4, 1000) }
    for _ in 0..<3 { try feed(4, 1000, end: true) }
    try feed(11, 5000)
    try feed(4, 1000, end: true)  // Late.
    try feed(11, 9000)  // The same key again.
    try feed(16, 12_000)  // Hook flash is no key.
    #expect(keys == "4##")
  }

  @Test("RFC 4733 §2.3: three bytes are no event")
  func shortEvent() throws {
    let packet = RTPHeader.packet(
      payloadType: 101, sequence: 1, timestamp: 1, source: 1, payload: [1, 2, 3])
    let header = try #require(RTPHeader(packet))
    #expect(TelephoneEvent(packet, header) == nil)
  }

  @Test("RFC 3551 §6: static payload types and names")
  func formats() {
    #expect(PayloadFormat(staticNumber: 8)?.encoding == .pcma)
    #expect(PayloadFormat(staticNumber: 9)?.clockRate == 8000)
    #expect(PayloadFormat(staticNumber: 34)?.clockRate == 90_000)
    #expect(PayloadFormat(staticNumber: 96) == nil)
    let opus = PayloadFormat(number: 111, encodingName: "OPUS", clockRate: 48_000)
    #expect(opus.encoding == .opus && opus.clockRate == 48_000)
    #expect(PayloadFormat(number: 99, encodingName: "H264", clockRate: 90_000).encoding == .other)
    #expect(PayloadFormat(number: 99, encodingName: "x", clockRate: 0).clockRate == 1)
  }
}
