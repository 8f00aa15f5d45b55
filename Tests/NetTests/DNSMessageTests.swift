import Elements
import Net
import Testing

/// Writes answers of a name server.
struct DNSAnswer {
  private(set) var bytes: [UInt8]
  private var count: UInt8 = 0

  /// Answers `question`; the two bytes of `identity` pair the two.
  init(to question: [UInt8] = [], identity: [UInt8] = [0, 1], code: UInt8 = 0) {
    bytes = identity + [0x84, code, 0, question.isEmpty ? 0 : 1, 0, 0, 0, 0, 0, 0] + question
  }

  static func name(_ text: String) -> [UInt8] {
    text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }

  mutating func add(_ name: [UInt8], type: UInt8, life: UInt8 = 60, data: [UInt8]) {
    bytes += name + [0, type, 0, 1, 0, 0, 0, life, UInt8(data.count >> 8), UInt8(data.count & 255)]
    bytes += data
    count += 1
    bytes[7] = count
  }

  mutating func addService(
    _ name: String, priority: UInt8, weight: UInt8, port: UInt16, target: String
  ) {
    add(
      Self.name(name), type: 33,
      data: [0, priority, 0, weight, UInt8(port >> 8), UInt8(port & 255)] + Self.name(target))
  }

  mutating func addPointer(_ name: String, order: UInt8, service: String, replacement: String) {
    let service = Array(service.utf8)
    add(
      Self.name(name), type: 35,
      data: [0, order, 0, 10, 1, UInt8(ascii: "s"), UInt8(service.count)] + service + [0]
        + Self.name(replacement))
  }

  /// SERVFAIL (2), NXDOMAIN (3) and the like, in place of an answer.
  mutating func fail(_ code: UInt8) { bytes[3] = code }

  mutating func addAddress(_ name: String, _ last: UInt8) {
    add(Self.name(name), type: 1, data: [127, 0, 0, last])
  }
}

@Suite struct DNSMessageTests {
  @Test("RFC 1035 §4.1.4: names are read through pointers, in lower case")
  func compression() throws {
    let question = DNSAnswer.name("Example.COM") + [0, 1, 0, 1]
    var answer = DNSAnswer(to: question)
    answer.add([0xC0, 12], type: 1, data: [192, 0, 2, 1])
    let message = try #require(DNSMessage(answer.bytes))
    let address = try #require(IPAddress("192.0.2.1"))
    #expect(message.records.count == 1)
    #expect(message.records.first?.name == "example.com")
    #expect(message.records.first?.data == .address(address))
    #expect(message.records.first?.lifeSeconds == 60)
  }

  @Test("RFC 2782, 3403: services and pointers carry their numbers and names")
  func services() throws {
    var answer = DNSAnswer()
    answer.addService("_sip._udp.a.b", priority: 1, weight: 2, port: 5070, target: "h.a.b")
    answer.addPointer("a.b", order: 3, service: "SIP+D2U", replacement: "_sip._udp.a.b")
    let message = try #require(DNSMessage(answer.bytes))
    #expect(
      message.records.map(\.data) == [
        .service(priority: 1, weight: 2, port: 5070, target: "h.a.b"),
        .pointer(
          order: 3, preference: 10, flags: "s", service: "sip+d2u", replacement: "_sip._udp.a.b"),
      ])
  }

  @Test("a pointer that leads to itself is no name")
  func pointerLoop() {
    var answer = DNSAnswer()
    answer.add([0xC0, 12], type: 1, data: [192, 0, 2, 1])
    #expect(DNSMessage(answer.bytes) == nil)
  }

  @Test("a message cut anywhere, or with any one byte changed, is read or refused without a trap")
  func damaged() throws {
    var answer = DNSAnswer(to: DNSAnswer.name("a.b") + [0, 33, 0, 1])
    answer.addService("a.b", priority: 1, weight: 2, port: 5070, target: "h.a.b")
    answer.addPointer("a.b", order: 3, service: "SIP+D2U", replacement: "_sip._udp.a.b")
    answer.addAddress("h.a.b", 1)
    let whole = try #require(DNSMessage(answer.bytes))
    #expect(whole.records.count == 3)
    for end in 0..<answer.bytes.count {
      let cut = DNSMessage(Array(answer.bytes[..<end]))
      #expect(cut == nil, "\(end) bytes of \(answer.bytes.count)")
    }
    for offset in answer.bytes.indices {
      for value in [UInt8(0), 0x3F, 0x40, 0x80, 0xC0, 0xFF] {
        var changed = answer.bytes
        changed[offset] = value
        let read = DNSMessage(changed)
        #expect((read?.records.count ?? 0) <= DNSMessage.maximumRecords)
      }
    }
  }
}
