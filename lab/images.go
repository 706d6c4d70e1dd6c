package main

import "millwright/internal/lab"

type imagesCommand struct {
	Dir   string `required:"" type:"path" help:"Folder of the images; give it to boot as its image folder."`
	Agent string `type:"path" help:"Folder for files that stand for the agent's kernel and initrd; give it to boot as its agent folder."`
}

// Run writes the files.
func (c imagesCommand) Run() error {
	if c.Agent != "" {
		if err := lab.WriteAgentFiles(c.Agent); err != nil {
			return err
		}
	}
	return lab.WriteImages(c.Dir)
}
