import EventLog
import Projection
import Testing

/// What `kpi`, `schema` and `export` say to a person who asks for something else than there is.
@Suite struct AskingKPITests {
    @Test func whatIsAskedIsAnsweredInWords() throws {
        let root = try Root()
        #expect(try root.feed([Made.spotify(1...9, made: 10)]).code == 0)
        let all = try root.json(["kpi", "show", "streams_native_7d"])
        let artist = try #require(all["values"]?.array?.first?["dimensions"]?["artist"]?.string)
        #expect(all["newest_day"]?.string?.hasPrefix("20") == true)
        // A value by its dimension, with or without the kind of member.
        for name in [artist, String(artist.dropFirst("artist:".count))] {
            #expect(try root.json(["kpi", "show", "streams_native_7d", "artist=\(name)"])["values"]?.array?.count == 1)
            #expect(try root.ok(["kpi", "history", "streams_native_7d", "artist=\(name)"]).text.contains(artist))
        }
        #expect(try root.run(["kpi", "show", "streams_native_7d", "artist=nobody"]).errors.contains("has no value with artist=nobody"))
        #expect(try root.run(["kpi", "show", "streams_native_7d", "month=1"]).errors.contains("no dimension month: it is told by artist"))
        // What the value rests on ends long before the day.
        #expect(try root.ok(["kpi", "show", "streams_native_7d", "--day", "2026-12-31"]).text.contains("no data after"))
        #expect(try root.ok(["kpi", "show", "streams_native_7d", "--csv"]).text.contains("newest_day"))
        #expect(try root.ok(["kpi", "list"]).text.contains("data to"))
        // Other names, days and events than there are.
        let unknown = try root.run(["kpi", "show", "streams_totl"])
        #expect(unknown.code == 1 && unknown.errors.contains("did you mean streams_total"), "\(unknown)")
        #expect(try root.run(["kpi", "show", "streams_native_7d", "--known-at", "2"]).errors.contains("nothing was known at event 2"))
        #expect(try root.run(["kpi", "history", "streams_native_7d", "--every", "0"]).code == 64)
        let days = try root.json(["kpi", "history", "streams_native_7d", "--by", "day", "--every", "1", "--limit", "2"]).array
        #expect(Set(days?.compactMap { $0["day"]?.string } ?? []).count == 2)
        // No figure for want of a goal.
        #expect(try root.ok(["kpi", "show", "followers_goal_progress"]).text.contains("no goal spotify_followers is in force on"))
        #expect(try root.ok(["kpi", "explain", "followers_goal_progress"]).text.contains("bedrot reference set goal"))
        #expect(try root.ok(["schema", "fact_stream_day"]).text.contains("day_no"))
        #expect(try root.run(["schema", "fact_stream_dya"]).errors.contains("did you mean fact_stream_day"))
        // A name without an ending is a folder: the next export does not write over this one.
        let folder = "\(root.path)/reports/e1"
        for kpi in ["streams_native_7d", "followers_total"] {
            #expect(try root.ok(["export", kpi, "--to", folder]).text.contains("\(folder)/\(kpi).csv"))
        }
    }
}
