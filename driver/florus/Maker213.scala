package florus.session

import java.io.PrintWriter

import scala.tools.nsc.Settings
import scala.tools.nsc.interpreter.IMain
import scala.tools.nsc.interpreter.shell.{ReplReporterImpl, ShellConfig}

object Maker {
  def make(settings: Settings, out: PrintWriter): IMain = {
    val config = ShellConfig(settings)
    val loader = Thread.currentThread.getContextClassLoader
    val intp = new IMain(settings, Option(loader), settings, new ReplReporterImpl(config, settings, out))
    intp.initializeCompiler()
    intp
  }

  def complete(intp: IMain, code: String, cursor: Int): Array[String] =
    intp.presentationCompile(cursor, code) match {
      case Right(found) =>
        try found.completionCandidates()._2.map(_.name).distinct.toArray
        finally found.cleanup()
      case Left(_) => Array.empty
    }
}
