import EventLog
import Glibc
import Testing

/// What the dimension views say of accounts, links, videos, mailings and playlists.
@Suite struct DimensionTests {
    private static let folder = "\(Binary.checkout)/Tests/BedrotTests/Dimensions"
    private static let expected = "\(folder)/expected.txt"

    /// The first visit names everything, the second, ten days later, renames most of it. The listing is in `Dimensions/expected.txt`:
    /// days are counted since 1970, 20157 is 10 March 2025. `RECORD_GOLDEN=1` writes it anew.
    @Test func theNewestRowNamesAMember() throws {
        let root = try Root(inMemory: true)
        try root.ok(["keys", "create", "link_visitor"])
        for (visit, noon) in [("1", 1_741_608_000), ("2", 1_742_472_000)] {
            let files = try Tree.names("\(Self.folder)/\(visit)").map { name in
                MadeFile(name, try AtomicFile.read("\(Self.folder)/\(visit)/\(name)"), modified: noon)
            }
            try root.feed(files, ["--account", "label"])
        }
        let listings = try ["dim_account", "dim_link", "dim_video", "dim_email_campaign", "dim_playlist"].map { view in
            "\(view)\n" + (try root.ok(["query", "SELECT * FROM \(view) ORDER BY 1, 2, 3, 4", "--csv"]).text)
        }
        let found = listings.joined(separator: "\n")
        if getenv("RECORD_GOLDEN") != nil { return try Tree.write(Array(found.utf8), to: Self.expected) }
        #expect(found == String(decoding: try AtomicFile.read(Self.expected), as: UTF8.self))
    }
}
