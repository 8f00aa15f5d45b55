import Numbering
import Testing

@Suite struct RegionTests {
  /// "class region international?" of a number, seen from a country.
  private func facts(_ number: String, from home: String) throws -> String {
    let number = try #require(PhoneNumber(number))
    let home = try #require(Region(home).flatMap { CountryPlan($0) })
    let facts = number.facts
    let abroad = number.isInternational(from: home, facts: facts)
    return "\(facts.kind.name) \(facts.region) \(abroad ? "abroad" : "home")"
  }

  @Test(
    "F32: countries that hide in the plan of another are abroad",
    arguments: [
      ("+18092345678", "US", "geographic_or_mobile DO abroad"),
      ("+18762345678", "US", "mobile JM abroad"),
      ("+12684601234", "US", "geographic AG abroad"),
      ("+12125552368", "US", "geographic_or_mobile US home"),
      ("+16045551234", "US", "geographic_or_mobile CA abroad"),
      ("+18002123456", "CA", "toll_free US home"),
      ("+77012345678", "RU", "mobile KZ abroad"), ("+77102345678", "RU", "geographic KZ abroad"),
      ("+73012345678", "RU", "geographic RU home"),
      ("+441481256789", "GB", "geographic GG abroad"),
      ("+441534456789", "GB", "geographic JE abroad"),
      ("+441624756789", "GB", "geographic IM abroad"),
      ("+447781123456", "GB", "mobile GG abroad"), ("+447924123456", "GB", "mobile IM abroad"),
      ("+447797712345", "GB", "mobile JE abroad"), ("+447400123456", "GB", "mobile GB home"),
      ("+447012345678", "GB", "personal GB home"),
      ("+390549886377", "IT", "geographic SM abroad"),
      ("+390669812345", "IT", "geographic VA abroad"),
      ("+390612345678", "IT", "geographic IT home"),
      ("+881612345678", "ES", "satellite 001 abroad"),
      ("+870301234567", "ES", "satellite 001 abroad"),
      ("+8821234567890", "ES", "invalid 001 abroad"), ("+882131234567", "ES", "invalid 001 abroad"),
      ("+883510012345", "ES", "satellite 001 abroad"),
      ("+979123456789", "ES", "premium 001 abroad"),
      ("+80012345678", "ES", "toll_free 001 abroad"),
      ("+80812345678", "ES", "shared_cost 001 abroad"),
      ("+34976111222", "ES", "geographic ES home"), ("+33142345678", "ES", "geographic FR abroad"),
      ("+59994351234", "BQ", "geographic CW abroad"),
    ])
  func hiddenCountries(number: String, home: String, expected: String) throws {
    #expect(try facts(number, from: home) == expected)
  }

  @Test("A number with no calling code is in no plan and abroad")
  func noCallingCode() throws {
    #expect(try facts("+2109876543", from: "ES") == "invalid 001 abroad")
    #expect(try facts("+9991234567", from: "ES") == "invalid 001 abroad")
  }
}

@Suite struct EmergencyTests {
  @Test("F33: emergency numbers are recognised exactly, in every country that has them")
  func everyCountry() throws {
    let rows = try numberingFixture("short_numbers.tsv").filter { $0[1] == "emergency" }
    #expect(rows.count > 200)
    for row in rows {
      let plan = try plan(row[0])
      #expect(resolve(row[2], in: plan) == "emergency \(row[2])", "\(row)")
      for more in ["0", "5", "11", "976111222"] {
        let text = resolve(row[2] + more, in: plan)
        // 9 and 11 make 911, and so on: exact means that the list says so.
        let isListed = DigitString(row[2] + more).map(plan.country.isEmergency) ?? false
        #expect(text.hasPrefix("emergency") == isListed, "\(row[0]) \(row[2])\(more): \(text)")
      }
      #expect(!resolve("+" + row[2], in: plan).hasPrefix("emergency"))
    }
  }

  @Test("F33: look-alikes of 112 in Spain")
  func lookAlikes() throws {
    let spain = try plan("ES")
    for dialled in [
      "112", "1-1-2", "１１２", "1 1 2", "%31%31%32", "*67112", "#31#112",
      "1-1-2;phone-context=+34", "112;phone-context=+44", "112;phone-context=office.example",
      "%31%312;phone-context=%2B34",
    ] {
      #expect(resolve(dialled, in: spain) == "emergency 112", "\(dialled)")
    }
    for dialled in [
      "1120", "1122", "11200449098790879", "1120;phone-context=+34", "2;phone-context=+11", "+112",
      "00112", "0112", "911",
      "112976111222",
    ] {
      let text = resolve(dialled, in: spain)
      #expect(!text.hasPrefix("emergency"), "\(dialled): \(text)")
    }
    #expect(resolve("112,,0044909", in: spain) == "emergency 112")
  }

  @Test("RFC 5031: a call for help that names no number goes to the country's own")
  func mainNumber() throws {
    for (country, number) in [
      ("ES", "112"), ("FR", "112"), ("PL", "112"), ("GB", "112"), ("US", "911"), ("JM", "911"),
      ("AU", "000"), ("NZ", "111"), ("MX", "911"), ("JP", "110"), ("ZA", "112"),
    ] {
      #expect(try plan(country).mainEmergencyNumber == DigitString(number), "\(country)")
    }
    for region in CountryPlan.allRegions {
      let plan = try #require(CountryPlan(region))
      guard let main = plan.mainEmergencyNumber else {
        #expect(plan.emergencyNumbers.isEmpty, "\(region)")
        continue
      }
      #expect(plan.isEmergency(main), "\(region)")
    }
  }

  @Test("A site's own emergency number counts beside the country's")
  func ownNumber() throws {
    let own = try #require(DigitString("7777"))
    let plan = DialPlan(country: try plan("ES").country, extraEmergency: [own])
    #expect(resolve("7777", in: plan) == "emergency 7777")
    #expect(resolve("77771", in: plan) == "inside 77771")
  }

  @Test("Short numbers have the class of what they cost")
  func shortNumbers() throws {
    #expect(resolve("016", in: try plan("ES")) == "short 016 toll_free")
    #expect(resolve("11888", in: try plan("ES")).hasPrefix("short 11888"))
    #expect(resolve("411", in: try plan("US")).hasPrefix("short 411"))
    let list = try plan("ES").country.emergencyNumbers.map(\.description)
    #expect(list.contains("112") && list.contains("061") && list.allSatisfy { $0.count <= 6 })
  }
}
