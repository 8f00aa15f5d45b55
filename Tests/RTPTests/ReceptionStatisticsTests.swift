import Elements
import RTP
import Testing

@Suite struct ReceptionStatisticsTests {
  private func header(
    _ sequence: Int, timestamp: UInt32 = 0, source: UInt32 = 1
  ) throws -> RTPHeader {
    let bytes = RTPHeader.packet(
      payloadType: 0, sequence: UInt16(truncatingIfNeeded: sequence), timestamp: timestamp,
      source: source, payload: [UInt8](repeating: 0xFF, count: 160))
    return try #require(RTPHeader(bytes))
  }

  private func statistics(_ sequences: [Int]) throws -> ReceptionStatistics {
    var statistics = ReceptionStatistics()
    for (index, sequence) in sequences.enumerated() {
      statistics.count(
        try header(sequence), length: 172, clockRate: 0,
        at: .start + .milliseconds(20 * index))
    }
    return statistics
  }

  @Test(
    "RFC 3550 §A.3: loss by hand",
    arguments: [
      ([1, 2, 3, 4], 4, 0),
      ([1, 2, 4, 5], 5, 1),
      ([1, 4, 3, 2], 4, 0),  // Out of order is not lost.
      ([65_534, 65_535, 0, 2], 5, 1),  // Across the wrap.
      ([1, 2, 2, 2], 2, 0),  // Duplicates do not go below zero.
      ([1, 2, 20_000, 3, 4], 4, 0),  // One odd packet is noise.
      ([1, 2, 5, 20_000, 20_001, 20_003], 8, 3),  // A restart keeps what was lost before.
    ])
  func loss(sequences: [Int], expected: Int, lost: Int) throws {
    let result = try statistics(sequences)
    #expect(result.packets == UInt64(sequences.count))
    #expect(result.lost == UInt64(lost))
    #expect(result.expected == UInt64(expected))
  }

  @Test("RFC 3550 §A.1: three wraps are counted")
  func wraps() throws {
    let result = try statistics(Array(stride(from: 0, to: 200_000, by: 2)))
    #expect(result.expected == 199_999)
    #expect(result.lost == 99_999)
  }

  @Test("A change of source keeps the loss of the one before")
  func sourceChange() throws {
    var statistics = ReceptionStatistics()
    for (sequence, source) in [(1, 7), (3, 7), (900, 8), (903, 8)] {
      statistics.count(
        try header(sequence, source: UInt32(source)), length: 172, clockRate: 0, at: .start)
    }
    #expect(statistics.lost == 3)
    #expect(statistics.expected == 7)
    #expect(statistics.source == 8)
    #expect(statistics.lossShare == 3.0 / 7.0)
  }

  @Test("RFC 3550 §A.8: jitter by hand, 16 ms late once gives 1 ms, then decays by a sixteenth")
  func jitter() throws {
    var statistics = ReceptionStatistics()
    // Regular packets: no jitter.
    for index in 0..<3 {
      statistics.count(
        try header(index, timestamp: UInt32(160 * index)), length: 172, clockRate: 8000,
        at: .start + .milliseconds(20 * index))
    }
    #expect(statistics.jitter == .zero)
    // 16 ms late: D = 128 units, J = 128/16 = 8 units = 1 ms.
    statistics.count(
      try header(3, timestamp: 480), length: 172, clockRate: 8000, at: .start + .milliseconds(76))
    #expect(statistics.jitter == .milliseconds(1))
    // Late by the same: D = 0, scaled 128 - (128 + 8) / 16 = 120, J = 7 units.
    statistics.count(
      try header(4, timestamp: 640), length: 172, clockRate: 8000, at: .start + .milliseconds(96))
    #expect(statistics.jitter == .microseconds(875))
  }

  @Test("Jitter follows the clock rate of the payload type")
  func clockRates() throws {
    var statistics = ReceptionStatistics()
    for index in 0..<100 {
      let late = index % 2 == 0 ? 0 : 4
      statistics.count(
        try header(index, timestamp: UInt32(960 * index)), length: 100, clockRate: 48_000,
        at: .start + .milliseconds(20 * index + late))
    }
    // D is 4 ms at every packet; the filter comes near to it.
    #expect(statistics.jitter > .microseconds(3700) && statistics.jitter <= .milliseconds(4))
  }

  @Test("RFC 3550 §6.4.1: a packet out of order counts for the jitter in the order of arrival")
  func reordered() throws {
    var statistics = ReceptionStatistics()
    for (sequence, arrival) in [(0, 0), (2, 40), (1, 56), (3, 60)] {
      statistics.count(
        try header(sequence, timestamp: UInt32(160 * sequence)), length: 172, clockRate: 8000,
        at: .start + .milliseconds(arrival))
    }
    // 36 ms late, then again in time: D = 288 units twice, J scaled 288, then 288 + 288 - 18 = 558, J = 34 units.
    #expect(statistics.jitter == .microseconds(4250))
  }

  @Test("The mean jitter remembers the bad part of a call that ends well, whatever clock came then")
  func meanJitter() throws {
    var statistics = ReceptionStatistics()
    #expect(statistics.meanJitter == .zero)
    func count(_ index: Int, late: Int, clock: Int, source: UInt32 = 1) throws {
      statistics.count(
        try header(index, timestamp: UInt32(clock / 50 * index), source: source), length: 172,
        clockRate: UInt32(clock), at: .start + .milliseconds(20 * index + late))
    }
    for index in 0..<400 { try count(index, late: index % 2 == 0 ? 0 : 16, clock: 8000) }
    let bad = statistics.meanJitter
    #expect(bad > .milliseconds(15) && bad <= .milliseconds(16))
    for index in 400..<800 { try count(index, late: 0, clock: 8000) }
    #expect(statistics.jitter < .milliseconds(1))
    let all = statistics.meanJitter
    #expect(all > .milliseconds(7) && all < .microseconds(8500))
    // As long again and without jitter, of another source with another clock.
    for index in 800..<1600 { try count(index, late: 0, clock: 16_000, source: 2) }
    let halved = statistics.meanJitter
    #expect(halved > all / 2 - .microseconds(200) && halved < all / 2 + .microseconds(200))
  }

  @Test("A jump of the timestamp base is not jitter")
  func timestampJump() throws {
    var statistics = ReceptionStatistics()
    for (index, timestamp) in [0, 160, 3_000_000_000, 3_000_000_160].enumerated() {
      statistics.count(
        try header(index, timestamp: UInt32(timestamp)), length: 172, clockRate: 8000,
        at: .start + .milliseconds(20 * index))
    }
    #expect(statistics.jitter == .zero)
  }

  @Test("First and last packet and the bytes are kept")
  func times() throws {
    let result = try statistics([1, 2, 3])
    #expect(result.firstAt == .start && result.lastAt == .start + .milliseconds(40))
    #expect(result.bytes == 3 * 172)
    #expect(ReceptionStatistics().lossShare == 0)
  }
}
