import Server
import Testing

@Suite struct RecordTests {
  @Test(
    "At most as many records as asked for, and none for a number below one",
    arguments: [
      (Int.min, 0), (-1, 0), (0, 0), (1, 1), (Int.max, 2),
    ])
  func limited(_ limit: Int, _ count: Int) throws {
    let folder = try ServedFolder()
    try folder.serve([1, 2].map { ServedFolder.record($0, at: ServedFolder.now) })
    let records = try folder.administration.records(tenant: nil, extension: nil, limit: limit)
    #expect(records.count == count)
  }
}
