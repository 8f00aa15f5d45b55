import Elements
import Numbering
import Testing

/// The dial plan of a country.
func plan(_ country: String, outsideLine: String? = nil) throws -> DialPlan {
  let region = try #require(Region(country))
  return DialPlan(
    country: try #require(CountryPlan(region)),
    outsideLine: try outsideLine.map { try #require(DigitString($0)) })
}

/// What a dialled string comes to, in short: "+44… premium", "emergency 112", "inside 101".
func resolve(_ dialled: String, in plan: DialPlan) -> String {
  let bytes = Array(dialled.utf8)
  return switch plan.resolve(bytes.span) {
  case .emergency(let digits): "emergency \(digits)"
  case .inside(let digits, _): "inside \(digits)"
  case .outside(let number):
    "\(number.shortCode.map { "short \($0)" } ?? "\(number.number)") \(number.kind.name)"
  case .invalid(let error): "\(error)"
  }
}

@Suite("A34: numbers in disguise") struct DisguiseTests {
  @Test(
    "F31: every disguise of a British premium number comes to its normal form, dialled in Spain",
    arguments: [
      "+449098790879", "00449098790879", "+44 909 879 0879", "+44-909-879-0879",
      "0044 (0)909 879 0879", "+44(0)9098790879", "%2B449098790879", "%2b44909%20879%200879",
      "+0044909 8790879", "+44.909.879.0879",
      "＋４４９０９８７９０８７９", "００４４９０９８７９０８７９", "+44９０９8790879", "+٤٤٩٠٩٨٧٩٠٨٧٩",
      "+44909\u{200B}8790879", "\u{202A}+449098790879\u{202C}", "+44 909\u{00A0}879\u{2011}0879",
      "+449098790879;npdi;rn=+34976", "+449098790879;phone-context=+34",
      "+449098790879;isub=1234", "+449098790879;postd=pp22", "+449098790879;ext=5",
      "9098790879;phone-context=+44", "9098790879;PHONE-CONTEXT=%2B44",
      "#31#00449098790879", "*67+449098790879", "*31#00449098790879", "*6700449098790879",
      "067 00 44 909 879 0879", "+449098790879,,123", "1050 00449098790879",
    ])
  func premium(dialled: String) throws {
    #expect(resolve(dialled, in: try plan("ES")) == "+449098790879 premium")
  }

  @Test("F31: with an outside line the disguises come behind it, and only there")
  func outsideLine() throws {
    let office = try plan("ES", outsideLine: "9")
    #expect(resolve("9 00 44 909 879 0879", in: office) == "+449098790879 premium")
    #expect(resolve("9976111222", in: office) == "+34976111222 geographic")
    #expect(resolve("+449098790879", in: office) == "+449098790879 premium")
    #expect(resolve("9 +44 909 879 0879", in: office) == "+449098790879 premium")
    #expect(resolve("0044909", in: office) == "inside 0044909")
    #expect(resolve("101", in: office) == "inside 101")
    let other = try plan("ES", outsideLine: "0")
    #expect(resolve("000449098790879", in: other) == "+449098790879 premium")
    #expect(resolve("0112", in: other) == "emergency 112")
    #expect(resolve("112", in: other) == "emergency 112")
  }

  @Test(
    "F31: trailing digits, overlap, wrong prefixes and repeated ones are in no plan, never cheap",
    arguments: [
      "+449098790879123", "0044909879087", "000449098790879", "0000449098790879",
      "01144 909 879 0879", "0011449098790879", "+01144 909 879 0879", "90449098790879",
      "+3400449098790879",
    ])
  func refused(dialled: String) throws {
    let text = resolve(dialled, in: try plan("ES"))
    #expect(text.hasSuffix(" invalid") || text == "\(DiallingError.notANumber)", "\(text)")
  }

  @Test(
    "F31: what is not a number is refused as such",
    arguments: [
      "alice", "", "%2", "%zz", "+44\u{0}909", "44+909", "%252B449098790879", "+44\r\n909",
      "𝟒𝟒909", "\u{FF}", String(repeating: "9", count: 300), String(repeating: "1", count: 60),
    ])
  func noise(dialled: String) throws {
    let bytes = Array(dialled.utf8)
    let result = try plan("ES").resolve(bytes.span)
    guard case .invalid = result else {
      Issue.record("\(result)")
      return
    }
  }

  @Test("F31: bytes that are no UTF-8, and every single byte, are handled")
  func bytes() throws {
    let spain = try plan("ES")
    for first in UInt8.min...UInt8.max {
      for second in [UInt8(0x80), 0xBC, 0x39, 0x25] {
        let bytes = [first, second, 0x95]
        _ = spain.resolve(bytes.span)
      }
    }
  }

  @Test(
    "F31: North America: 011, 1, ten digits, 101 and a carrier, letters, vertical service codes")
  func northAmerica() throws {
    let us = try plan("US")
    for dialled in [
      "011 44 909 879 0879", "1010288 011449098790879", "*67 011449098790879", "+449098790879",
    ] {
      #expect(resolve(dialled, in: us) == "+449098790879 premium", "\(dialled)")
    }
    for dialled in ["212 555 2368", "1 212 555 2368", "+1 (212) 555-2368", "*82 1 212 555 2368"] {
      #expect(resolve(dialled, in: us) == "+12125552368 geographic_or_mobile", "\(dialled)")
    }
    #expect(resolve("1-800-FLOWERS", in: us) == "+18003569377 toll_free")
    #expect(resolve("1 900 234 5678", in: us) == "+19002345678 premium")
    #expect(resolve("+011449098790879", in: us) == "+449098790879 premium")
  }

  @Test("The caller's wish to hide or show the number is kept")
  func presentation() throws {
    func asked(_ dialled: String, _ country: String) throws -> Presentation? {
      let bytes = Array(dialled.utf8)
      guard case .outside(let number) = try plan(country).resolve(bytes.span) else { return nil }
      return number.presentation
    }
    #expect(try asked("#31#976111222", "ES") == .withheld)
    #expect(try asked("067976111222", "ES") == .withheld)
    #expect(try asked("*31#976111222", "ES") == .shown)
    #expect(try asked("976111222", "ES") == .asConfigured)
    #expect(try asked("141 020 7946 0000", "GB") == .withheld)
    #expect(try asked("1470 020 7946 0000", "GB") == .shown)
  }

  @Test("National ways of dialling: trunk prefix, none, transformed, leading zero kept")
  func national() throws {
    let cases: [(String, String, String)] = [
      ("GB", "020 7946 0000", "+442079460000 geographic"),
      ("DE", "030 123456", "+4930123456 geographic"),
      ("DE", "01033 030 123456", "+4930123456 geographic"),
      ("IT", "06 1234 5678", "+390612345678 geographic"),
      ("AR", "011 15 2345 6789", "+5491123456789 mobile"),
      ("RU", "8 812 345 6789", "+78123456789 geographic"),
      ("BR", "0 15 11 2345 6789", "+551123456789 geographic"),
      ("AG", "464 1234", "+12684641234 mobile"),
      ("HU", "06 1 234 5678", "+3612345678 geographic"),
      ("ES", "34976111222", "+34976111222 geographic"),
      ("MX", "55 1234 5678", "+525512345678 geographic_or_mobile"),
      ("AU", "0011 44 909 879 0879", "+449098790879 premium"),
    ]
    for (country, dialled, expected) in cases {
      #expect(resolve(dialled, in: try plan(country)) == expected, "\(country) \(dialled)")
    }
  }
}
