import Elements
import Testing

@testable import SIPSyntax

@Suite struct GrammarTests {
  @Test("RFC 3261 §25.1: the sets of characters are those of the grammar")
  func byteSets() {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    let alphanumeric = letters + "0123456789"
    let unreserved = alphanumeric + "-_.!~*'()"
    let visible = String(decoding: UInt8(0x21)...0x7E, as: UTF8.self)
    let sets: [(ByteSet, String)] = [
      (.alpha, letters), (.digit, "0123456789"), (.hexadecimal, "0123456789abcdefABCDEF"),
      (.token, alphanumeric + "-.!%*_+`'~"),
      (.word, alphanumeric + "-.!%*_+`'~()<>:\\\"/[]?{}"), (.scheme, alphanumeric + "+-."),
      (.hostName, alphanumeric + "-._"), (.plainUser, unreserved + "&=+$,;?/"),
      (.user, unreserved + "&=+$,;?/%#"), (.password, unreserved + "&=+$,%"),
      (.plainParameter, unreserved + "[]/:&+$"), (.parameter, unreserved + "[]/:&+$%"),
      (.plainHeader, unreserved + "[]/?:+$"), (.plainValue, alphanumeric + "-.!%*_+`'~[]:"),
      (.opaqueURI, visible.filter { !"<>\"".contains($0) }),
      (.parameterValue, visible.filter { !"<>\",;".contains($0) }),
      (.telephone, "0123456789abcdefABCDEF*#-.()+%"),
      (.plainTelephone, "0123456789abcdefABCDEF*#-.()+"),
    ]
    for (set, members) in sets {
      let expected = Set(members.utf8)
      for byte in UInt8.min...UInt8.max {
        #expect(set.contains(byte) == expected.contains(byte), "\(byte) of \(members)")
      }
    }
  }

  @Test("Every byte, wherever it stands in a word, ends a run unless it is of the set")
  func runs() {
    for set in [ByteSet.scheme, .token, .user, .opaqueURI] {
      for place in 0..<8 {
        for byte in UInt8.min...UInt8.max {
          var bytes = Array("z9hG+bK0".utf8)
          bytes[place] = byte
          let first = bytes.span.firstForeign(to: set, from: 0, end: 8)
          #expect(first == (set.contains(byte) ? 8 : place))
        }
      }
    }
  }

  /// Property: the search by words finds what a search by bytes finds, wherever the text begins and ends.
  @Test(
    "Searches by words equal those by bytes, and words of a text its bytes",
    arguments: UInt64(1)...50)
  func searches(seed: UInt64) {
    var random = SplitMix(seed: seed)
    let alphabet: [UInt8] = [
      0x0D, 0x0A, 0x3A, 0x09, 0x0B, 0x0C, 0x00, 0x0E, 0x20, 0x61, 0x80, 0x8D, 0xFF, 0xBA, 0x39,
      0x3B, 0x10, 0x19, 0x2F, 0x30, 0x40, 0x41, 0x5A, 0x5B, 0x60, 0x7A, 0x7B, 0xC1, 0xE1,
    ]
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        // Mostly plain letters, so that hits are far apart.
        Int.random(in: 0..<4, using: &random) > 0
          ? 0x62 : alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }
      let start = Int.random(in: 0...bytes.count, using: &random)
      let end = Int.random(in: start...bytes.count, using: &random)
      let line = (start..<end).first { bytes[$0] == 0x0D || bytes[$0] == 0x0A } ?? end
      #expect(bytes.span.lineEnd(from: start, end: end) == line)
      for wanted: UInt8 in [0x3A, 0x20, 0x00, 0xBA] {
        let place = (start..<end).first { bytes[$0] == wanted } ?? end
        #expect(bytes.span.first(wanted, from: start, end: end) == place)
      }
      for set in [ByteSet.token, .user, .hostName, .digit, .telephone] {
        var offset = start
        _ = bytes.span.run(of: set, at: &offset, end: end)
        #expect(offset == (start..<end).first { !set.contains(bytes[$0]) } ?? end)
      }
      let word = bytes[start...].prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      #expect(bytes.span.characters(at: start) == word)
    }
  }

  @Test("RFC 3261 §7.3.3: each name is found long and compact, in any case, and no other")
  func headerNames() {
    for name in HeaderName.allCases {
      let text = "\(name.text)"
      #expect(HeaderName(text) == name)
      #expect(HeaderName(text.lowercased()) == name && HeaderName(text.uppercased()) == name)
      #expect(HeaderName(text + "x") == nil && HeaderName(String(text.dropLast()) + "_") == nil)
      if let letter = name.compactForm {
        #expect(HeaderName(String(letter)) == name && HeaderName(letter.uppercased()) == name)
      }
    }
    for text in ["", "X-Unknown", "Call_ID", "Vi", "w", String(repeating: "a", count: 100)] {
      #expect(HeaderName(text) == nil)
    }
    let letters = HeaderName.allCases.compactMap(\.compactForm)
    #expect(Set(letters).count == letters.count)
  }

  @Test("A name is found with its colon as it is found by itself, or left to the slower way")
  func headerNamesWithColons() {
    let known = HeaderName.allCases.flatMap {
      ["\($0.text)"] + ($0.compactForm.map { ["\($0)"] } ?? [])
    }
    let others = ["", "Vi", "X-Unknown", "Call_ID", "Call\rID", "\n", "w"]
    for name in known + others {
      for text in [
        name, name.uppercased(), name + " ", name + "\t", name + "x", "\(name.dropLast())",
      ] {
        let count = text.utf8.count
        for rest in [
          ":", ": and a value\r\nTo: x", " : and a value", "", "\r\nVia: x, and a value",
        ] {
          let bytes = Array((text + rest).utf8)
          for end in 0...bytes.count {
            let found = HeaderNameTable.shared.lookUp(bytes.span, from: 0, end: end)
            let isThere = rest.first == ":" && end > count && HeaderName(text) != nil
            if let found {
              #expect(isThere && found.name == HeaderName(text) && found.colon == count)
            } else {
              #expect(!isThere || count > 15 || bytes.count < (count < 8 ? 8 : 16))
            }
          }
        }
      }
    }
  }

  @Test("RFC 3261 §7.1: methods are case-sensitive; unknown ones are kept")
  func methods() {
    for method in Method.known {
      #expect(Method(method.name) == method && method.isKnown)
      #expect(!Method(method.name.lowercased()).isKnown)
      #expect(!Method(method.name + "X").isKnown)
    }
    #expect(Method("SUBSCRIBX").name == "SUBSCRIBX")
  }

  @Test("RFC 3261 §21: codes have the phrase of their RFC or of their class")
  func statusCodes() {
    #expect(StatusCode(exactly: 99) == nil && StatusCode(exactly: 700) == nil)
    #expect(StatusCode(487).reasonPhrase == "Request Terminated")
    #expect(StatusCode(599).reasonPhrase == "Server Failure")
    for number in 100...699 {
      let status = StatusCode(exactly: number)
      #expect(status?.isProvisional == (number < 200) && status?.reasonPhrase.isEmpty == false)
    }
  }

  @Test("RFC 3261 §20.16: a CSeq below 2^31, folds and leading zeros")
  func cseq() throws {
    func parse(_ text: String) throws -> CSeq { try CSeq(parsing: Array(text.utf8).span) }
    #expect(try parse("0009\r\n  INVITE") == CSeq(number: 9, method: .invite))
    #expect(try parse("2147483647 BYE").number == 2_147_483_647)
    #expect(throws: SyntaxError(expected: "a number below 2147483648", offset: 0)) {
      try parse("36893488147419103232 REGISTER")
    }
    for bad in ["", "1", "1INVITE", "INVITE", "-1 INVITE", "1 INVITE x", "2147483648 INVITE", "1 "]
    {
      #expect(throws: SyntaxError.self) { try parse(bad) }
    }
  }

  @Test("RFC 3261 §20.42: what a Via may and may not look like")
  func via() throws {
    func parse(_ text: String) throws -> Via { try Via(parsing: Array(text.utf8).span) }
    let via = try parse(
      "SIP / 2.0 / wss [2001:db8::1] : 5061 ; maddr=239.1.1.1;ttl=16;Branch=z9hg4bK1")
    #expect(via.transport == .wss && via.port == 5061 && via.ttl == 16)
    #expect(via.host == Host("2001:db8::1") && via.maddr == Host("239.1.1.1"))
    #expect(via.hasTransactionID && !via.hasRPort && via.received == nil)
    #expect(try parse("SIP/2.0/UDP h;rport=65535;received=::1").rport == 65535)
    #expect(try !parse("SIP/2.0/UDP h;branch=z9hG4bK").hasTransactionID)
    #expect(try !parse("SIP/2.0/UDP h;branch=a").hasTransactionID)
    for bad in [
      "", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 h", "SIP/2.0/UDP h:", "SIP/2.0/UDP h:65536",
      "SIP/2.0/UDP h;", "SIP/2.0/UDP h;rport=x", "SIP/2.0/UDP h;ttl=256", "SIP/2.0/UDP h x",
      "SIP/2.0/UDP [::1;branch=1", "SIP/2.0/UDP h;branch=", "SIP/2.0/UDP h,", "/2.0/UDP h",
    ] {
      #expect(throws: SyntaxError.self, "\(bad)") { try parse(bad) }
    }
  }
}
